// axe finds no problem on any page, in light and in dark.
import { expectAccessible } from "./accessible";
import { expect, password, publicPaths, register, test, unique } from "./site";

const { CONSENT_URL: consentSite, MAIL_SITE_URL: mailSite } = process.env;

/** Every page that needs no preparation, by who opens it. A new page is a line here. */
const pages = {
  anybody: [
    ...publicPaths,
    "/no-such-page",
    `${consentSite}/`,
    `${mailSite}/login`,
    `${mailSite}/forgot`,
    `${mailSite}/login/link`,
    `${mailSite}/verify/AAAAAAAAAAAAAAAAAAAAAA`,
  ],
  member: ["/account", `${mailSite}/account`, "/account/second-factor"],
  admin: [
    "/admin/campaigns?campaign=nothing-has-this-name",
    "/admin/leads?q=nothing-has-this-name",
    "/admin/leads/nothing-has-this-id",
    "/admin/users?q=nothing-has-this-name",
    "/admin/users?state=disabled&role=admin",
    "/admin/audit?actor=nobody",
    "/admin/audit?from=yesterday",
    "/admin/models?by=campaign&period=all",
    "/admin/inspector?address=%2Fpricing%3Fgclid%3Dx&linked_from=https%3A%2F%2Fwww.google.com%2F",
  ],
};

const ways = [
  { name: "light", colorScheme: "light" as const, javaScriptEnabled: true },
  { name: "dark", colorScheme: "dark" as const, javaScriptEnabled: true },
  { name: "without JavaScript", colorScheme: "light" as const, javaScriptEnabled: false },
];

for (const { name, ...options } of ways) {
  test.describe(name, () => {
    // axe looks at many pages.
    test.describe.configure({ timeout: 180_000 });
    // The browser logs an error of its own for a page that answers 404 or 410.
    test.use({ ...options, allowedProblems: [/status of 4(04|10)/] });

    test("public pages", async ({ page }) => {
      for (const path of pages.anybody) {
        await page.goto(path);
        await expectAccessible(page);
      }
    });

    test("a form with mistakes, and the account", async ({ page }) => {
      await page.goto("/register");
      const form = page.getByRole("main");
      await form.locator("input[name=email]").fill(`${unique("uma")}@example.com`);
      await form.locator("input[name=password]").fill("password123");
      await form.getByRole("button", { name: /create account/i }).click();
      await expect(form.locator(".field-error")).toBeVisible();
      await expectAccessible(page);

      await register(page, `${unique("uma")}@example.com`);
      for (const path of pages.member) {
        await page.goto(path);
        await expectAccessible(page);
      }
      await page.getByLabel("Current password").fill(password);
      await page.getByRole("button", { name: "Set up" }).click();
      await expect(page.getByRole("img", { name: /QR code/ })).toBeVisible();
      await expectAccessible(page);
      await page.goto("/login/code");
      await expectAccessible(page);
    });

    test("the admin area", async ({ page, admin }) => {
      const campaign = unique("axe");
      await page.goto(`/?utm_source=google&utm_medium=cpc&utm_campaign=${campaign}&utm_term=shoes&gclid=Abc`);
      await register(page, `${unique("ivo")}@example.com`);

      await admin.goto("/admin");
      const menu = admin.getByRole("navigation", { name: "Dashboard" }).getByRole("link");
      const sections = await menu.evaluateAll((links) => links.map((link) => link.getAttribute("href")!));
      expect(sections).toContain("/admin/campaigns");
      const ofCampaign = [`/admin/campaigns?campaign=${campaign}`, `/admin/leads?campaign=${campaign}`];
      for (const path of [...sections, ...ofCampaign, ...pages.admin]) {
        await admin.goto(path);
        await expectAccessible(admin);
      }
      // The page of the lead, and the user's journey if the lead links to it.
      await admin.goto(`/admin/leads?campaign=${campaign}`);
      await admin.getByRole("main").locator("tbody tr").first().getByRole("link").first().click();
      await expect(admin).toHaveURL(/\/admin\/(leads|users)\//);
      await expectAccessible(admin);
      const user = admin.getByRole("main").locator("a[href^='/admin/users/']").first();
      if (await user.count()) {
        await user.click();
        await expect(admin).toHaveURL(/\/admin\/users\//);
        await expectAccessible(admin);
        await admin.getByRole("link", { name: "Account", exact: true }).click();
        await admin.getByText("Make admin").first().click();
        await expectAccessible(admin);
      }
    });
  });
}

test("the first stop of the keyboard skips to the content", async ({ page }) => {
  await page.goto("/");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: /skip to content/i })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/#main$/);
});
