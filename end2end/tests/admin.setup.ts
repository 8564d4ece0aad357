// Signs the admin in once. The `admin` fixture of the tests uses this session.
import { adminState, signIn, test } from "./site";

test("the administrator signs in", async ({ page }) => {
  await signIn(page, process.env.ADMIN_EMAIL!, process.env.ADMIN_PASSWORD!);
  await page.context().storageState({ path: adminState });
});
