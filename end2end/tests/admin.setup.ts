// Signs the administrator in once; the tests' `admin` fixture uses the session.
import { adminState, signIn, test } from "./site";

test("the administrator signs in", async ({ page }) => {
  await signIn(page, process.env.ADMIN_EMAIL!, process.env.ADMIN_PASSWORD!);
  await page.context().storageState({ path: adminState });
});
