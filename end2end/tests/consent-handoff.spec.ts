// Until the visitor decides about consent, the landing travels in the address of the next page.
import { csv, expect, register, test, unique } from "./site";

test.use({ baseURL: process.env.CONSENT_URL! });

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("the landing survives pages until the visitor agrees", async ({ page, admin }) => {
      const campaign = unique("carried");
      await page.goto(`/?utm_source=google&utm_medium=cpc&utm_campaign=${campaign}`);
      await page.getByRole("link", { name: "What is stored" }).click();
      await expect(page).toHaveURL(/\/privacy/);
      await page.getByRole("banner").getByRole("link", { name: /create account/i }).click();
      await expect(page).toHaveURL(/\/register/);
      expect(await page.context().cookies()).toEqual([]);
      await page.getByRole("region", { name: "Your choice" }).getByRole("button", { name: "Agree" }).click();
      await expect(page).toHaveURL(/\/register$/);
      await register(page, `${unique("dora")}@example.com`);
      const leads = await csv(admin, `/admin/leads.csv?campaign=${campaign}`);
      expect(leads).toHaveLength(1);
      expect(leads[0]).toMatchObject({ channel: "Paid Search", landing_path: "/", hits: "1" });
    });
  });
}
