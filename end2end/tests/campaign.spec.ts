// The purpose of the product: somebody follows a campaign link and signs up, and the dashboard knows that the link led to it.
import { cell, csv, expect, expectSignedInAs, register, rowsWith, test, unique } from "./site";

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("a campaign link leads to a sign-up, and the dashboard shows it", async ({ page, admin }) => {
      const campaign = unique("spring");
      const email = `${unique("ada")}@example.com`;

      await page.goto(`/?utm_source=Google&utm_medium=CPC&utm_campaign=${campaign}&gclid=AbC-_1`);
      await page.getByRole("link", { name: /create account/i }).first().click();
      await expect(page).toHaveURL(/\/register/);
      const form = page.getByRole("main");
      await form.locator("input[name=email]").fill(email);
      await form.locator("input[name=password]").fill("correct horse battery");
      await form.getByRole("button", { name: /create account/i }).click();
      await expectSignedInAs(page, email);

      await test.step("campaigns", async () => {
        await admin.goto("/admin/campaigns");
        const row = rowsWith(admin, campaign);
        await expect(row).toHaveCount(1);
        await expect(row).toContainText(/google/);
        await expect(row).toContainText(/cpc/);
        await expect(await cell(row, /^leads/i)).toHaveText("1");
        await expect(await cell(row, /^sign-?ups/i)).toHaveText("1");
      });

      await test.step("leads, and the journey", async () => {
        await admin.goto(`/admin/leads?campaign=${campaign}`);
        const row = rowsWith(admin, email);
        await expect(row).toHaveCount(1);
        await row.getByRole("link").first().click();
        await expect(admin).toHaveURL(/\/admin\/(leads|users)\//);
        const main = admin.getByRole("main");
        await expect(main).toContainText(email);
        await expect(main).toContainText(campaign);
        await expect(main).toContainText("AbC-_1");
      });

      await test.step("leads.csv", async () => {
        const leads = await csv(admin, `/admin/leads.csv?campaign=${campaign}`);
        expect(leads).toHaveLength(1);
        expect(leads[0]).toMatchObject({ user_email: email, source: "google", medium: "cpc", campaign });
        expect(JSON.parse(leads[0].click_ids)).toEqual({ gclid: "AbC-_1" });
      });
    });

    test("reloads and a second sign-in leave one lead", async ({ page, admin }) => {
      const campaign = unique("autumn");
      const email = `${unique("grace")}@example.com`;
      const landing = `/?utm_source=newsletter&utm_medium=email&utm_campaign=${campaign}`;
      await page.goto(landing);
      for (let reloads = 0; reloads < 3; reloads++) await page.reload();
      await register(page, email);
      await page.getByRole("banner").getByRole("button", { name: /sign out/i }).click();
      await expect(page.getByRole("banner").getByRole("link", { name: email })).toHaveCount(0);
      await page.goto("/login");
      const form = page.getByRole("main");
      await form.locator("input[name=email]").fill(email);
      await form.locator("input[name=password]").fill("correct horse battery");
      await form.getByRole("button", { name: /sign in/i }).click();
      await expectSignedInAs(page, email);

      const leads = await csv(admin, `/admin/leads.csv?campaign=${campaign}`);
      expect(leads).toHaveLength(1);
      expect(leads[0]).toMatchObject({ user_email: email, hits: "4" });
    });
  });
}

test("a first visit without a campaign sets no cookie", async ({ page }) => {
  await page.goto("/");
  expect(await page.context().cookies()).toEqual([]);
});
