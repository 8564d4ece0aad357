// Every way through an account, with JavaScript and without, on a site that sends mail. axe looks at each page on the way, and at
// each mail.
import type { Browser, BrowserContext, Page } from "@playwright/test";
import { expectAccessible } from "./accessible";
import { expectReadable, linkIn, mailTo } from "./mail";
import { expect, expectSignedInAs, password, rowsWith, signIn, test, unique, visitorHeaders, withoutScripts } from "./site";
import { totp } from "./totp";

const site = process.env.MAIL_SITE_URL!;
const newPassword = "another long passphrase";

/** A page in a browser of its own. */
async function elsewhere(browser: Browser, javaScriptEnabled: boolean): Promise<Page> {
  const context: BrowserContext = await browser.newContext({
    baseURL: site,
    javaScriptEnabled,
    extraHTTPHeaders: visitorHeaders(),
  });
  if (!javaScriptEnabled) withoutScripts.add(context);
  return context.newPage();
}

async function signUp(page: Page, email: string) {
  await page.goto("/register");
  const form = page.getByRole("main");
  await form.locator("input[name=email]").fill(email);
  await form.locator("input[name=password]").fill(password);
  await form.getByRole("button", { name: /create account/i }).click();
  await expect(page).toHaveURL(/\/login$/);
  await expect(form).toContainText("Check your e-mail");
}

/** Signs up, confirms the address and signs in. */
async function member(page: Page, name: string): Promise<string> {
  const email = `${unique(name)}@example.com`;
  await signUp(page, email);
  await signIn(page, email);
  await page.goto(linkIn(await mailTo(email, /Confirm your e-mail/), "/verify/"));
  await page.getByRole("button", { name: "Confirm the address" }).click();
  await expect(page.getByRole("main")).toContainText("Your e-mail address is confirmed.");
  return email;
}

async function signOut(page: Page) {
  await page.getByRole("banner").getByRole("button", { name: /sign out/i }).click();
  await expect(page.getByRole("banner").getByRole("link", { name: /sign in/i })).toBeVisible();
}

/** Types what is asked for, by label, and presses a button. */
async function fill(page: Page, values: Record<string, string>, button: string) {
  const form = page.getByRole("main").locator("form").filter({ has: page.getByRole("button", { name: button, exact: true }) });
  for (const [label, value] of Object.entries(values)) await form.getByLabel(label, { exact: true }).fill(value);
  await form.getByRole("button", { name: button, exact: true }).click();
}

/** Turns the second factor on. Returns the app's key and the recovery codes. */
async function turnOn(page: Page): Promise<{ key: string; codes: string[] }> {
  await page.goto("/account/second-factor");
  await expectAccessible(page);
  await fill(page, { "Current password": password }, "Set up");
  const key = await page.locator("code.breakable").innerText();
  await expectAccessible(page);
  await fill(page, { Code: "000000" }, "Turn on");
  await expect(page.getByRole("main")).toContainText("This code is wrong");
  await expectAccessible(page);
  await fill(page, { Code: totp(key) }, "Turn on");
  const codes = await page.locator(".recovery-codes li").allInnerTexts();
  expect(codes).toHaveLength(10);
  await expectAccessible(page);
  return { key, codes };
}

async function firstStep(page: Page, email: string) {
  await page.goto("/login");
  await fill(page, { "E-mail": email, Password: password }, "Sign in");
  await expect(page).toHaveURL(/\/login\/code/);
}

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    // axe looks at many pages on each way.
    test.describe.configure({ timeout: 180_000 });
    // The browser logs an error of its own for a link that does not work any more.
    test.use({ baseURL: site, javaScriptEnabled, allowedProblems: [/status of 410/] });

    test("a sign-up is confirmed by the link in the mail", async ({ page, browser }) => {
      const email = `${unique("vera")}@example.com`;
      await signUp(page, email);
      await expectAccessible(page);
      await signIn(page, email);
      await page.goto("/account");
      await expect(page.getByRole("main")).toContainText("Not confirmed");
      await expectAccessible(page);
      const mail = await mailTo(email, /^Confirm your e-mail address$/);
      await expectReadable(browser, mail);
      await page.goto(linkIn(mail, "/verify/"));
      await expect(page.getByRole("main")).toContainText(email);
      await expectAccessible(page);
      await page.getByRole("button", { name: "Confirm the address" }).click();
      await expect(page).toHaveURL(/\/account/);
      await expect(page.getByRole("main")).toContainText("Your e-mail address is confirmed.");
      await expect(page.getByRole("main")).not.toContainText("Not confirmed");
      await expectAccessible(page);
      // Who signs up again with the address learns nothing on the page. The mail tells the owner.
      await signOut(page);
      await signUp(page, email);
      await expectReadable(browser, await mailTo(email, /^You already have an account$/));
    });

    test("a forgotten password is set anew by a link that works once", async ({ page, browser }) => {
      const email = await member(page, "rita");
      await signOut(page);
      await page.goto("/forgot");
      await expectAccessible(page);
      await fill(page, { "E-mail": email }, "Send a link");
      await expect(page.getByRole("main")).toContainText("on its way");
      await expectAccessible(page);
      const mail = await mailTo(email, /^Set a new password$/);
      await expectReadable(browser, mail);
      const link = linkIn(mail, "/reset/");
      await page.goto(link);
      await expectAccessible(page);
      await fill(page, { "New password": "password123" }, "Set the password");
      await expect(page.locator(".field-error")).not.toBeEmpty();
      await expectAccessible(page);
      await fill(page, { "New password": newPassword }, "Set the password");
      await expect(page).toHaveURL(/\/login/);
      await expectAccessible(page);
      await signIn(page, email, newPassword);
      await expectReadable(browser, await mailTo(email, /^Your password was changed$/));
      await page.goto(link);
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("This link does not work");
      await expectAccessible(page);
    });

    test("a link signs in without a password, also in another browser", async ({ page, browser }) => {
      const email = await member(page, "lina");
      await signOut(page);
      await page.goto("/login/link");
      await expectAccessible(page);
      await fill(page, { "E-mail": email }, "Send a link");
      await expect(page.getByRole("main")).toContainText("on its way");
      const mail = await mailTo(email, /^Sign in to /);
      await expectReadable(browser, mail);
      const other = await elsewhere(browser, javaScriptEnabled);
      await other.goto(linkIn(mail, "/login/"));
      await expect(other.getByRole("main")).toContainText(email);
      await expectAccessible(other);
      await fill(other, {}, "Sign in");
      await expectSignedInAs(other, email);
      await other.context().close();
    });

    test("an address is changed by the link that goes to the new one", async ({ page, browser }) => {
      const email = await member(page, "anna");
      const next = `${unique("anna-new")}@example.com`;
      await page.goto("/account");
      await page.getByText("Use another address").click();
      await expectAccessible(page);
      await fill(page, { "New e-mail address": next, "Current password": "not the password" }, "Send the link");
      await expect(page.getByRole("main").locator(".field-error")).not.toBeEmpty();
      await expectAccessible(page);
      await fill(page, { "New e-mail address": next, "Current password": password }, "Send the link");
      const mail = await mailTo(next, /^Confirm your new e-mail address$/);
      await expectReadable(browser, mail);
      await page.goto(linkIn(mail, "/email/"));
      await expectAccessible(page);
      await page.getByRole("button", { name: "Use this address" }).click();
      await expectSignedInAs(page, next);
      await expectAccessible(page);
      await expectReadable(browser, await mailTo(email, /^Your e-mail address was changed$/));
    });

    test("a second factor is set up, asked for, replaced by a recovery code, and turned off", async ({ page }) => {
      const email = await member(page, "theo");
      const { key, codes } = await turnOn(page);
      await signOut(page);
      await firstStep(page, email);
      await expectAccessible(page);
      await fill(page, { Code: "000000" }, "Sign in");
      await expect(page.getByRole("main")).toContainText("This code is wrong");
      await expectAccessible(page);
      await fill(page, { Code: totp(key, 1) }, "Sign in");
      await expectSignedInAs(page, email);
      await signOut(page);
      await firstStep(page, email);
      await fill(page, { Code: codes[0] }, "Sign in");
      await expectSignedInAs(page, email);
      await page.goto("/account/second-factor");
      await expect(page.getByRole("main")).toContainText("9 recovery codes are left.");
      await expectAccessible(page);
      await fill(page, { "Current password": password, Code: codes[1] }, "Turn off");
      await expect(page.getByRole("main")).toContainText("The second factor is off.");
      await expectAccessible(page);
    });

    test("sessions are listed, and end one by one or all at once", async ({ page, browser }) => {
      const email = await member(page, "sara");
      const others = await Promise.all([1, 2, 3].map(() => elsewhere(browser, javaScriptEnabled)));
      for (const other of others) await signIn(other, email);
      const rows = page.getByRole("table", { name: "Sessions" }).locator("tbody tr");
      await page.goto("/account");
      await expect(rows).toHaveCount(4);
      await expect(rows.filter({ hasText: "This one" })).toHaveCount(1);
      await expectAccessible(page);
      await rows.getByRole("button", { name: /^End the session/ }).first().click();
      await expect(rows).toHaveCount(3);
      await expectAccessible(page);
      await page.getByRole("button", { name: "End all other sessions" }).click();
      await expect(rows).toHaveCount(1);
      await expectAccessible(page);
      for (const other of others) {
        await other.goto("/account");
        await expect(other).toHaveURL(/\/login/);
        await other.context().close();
      }
      await page.goto("/account");
      await expectSignedInAs(page, email);
    });

    test("an admin changes a user's role and disables the account", async ({ page, admin }) => {
      const email = await member(page, "hugo");
      const confirm = { "Your password": process.env.ADMIN_PASSWORD! };
      const act = async (label: string, says: string) => {
        await admin.locator("summary").filter({ hasText: label }).click();
        await fill(admin, confirm, label);
        await expect(admin.getByRole("main")).toContainText(says);
        await expectAccessible(admin);
      };
      await admin.goto(`/admin/users?q=${encodeURIComponent(email)}`);
      await expectAccessible(admin);
      await rowsWith(admin, email).getByRole("link").first().click();
      await expect(admin.getByRole("heading", { level: 1 })).toHaveText(email);
      await expectAccessible(admin);
      await act("Make admin", "Make member");
      await page.goto("/admin");
      await expect(page.getByRole("navigation", { name: "Dashboard" })).toBeVisible();
      await act("Make member", "Make admin");
      await act("Disable account", "Enable account");
      await page.goto("/account");
      await expect(page).toHaveURL(/\/login/);
      await admin.getByRole("button", { name: "Enable account" }).click();
      await expect(admin.getByRole("main")).toContainText("Disable account");
      await signIn(page, email);
      // The audit log has it all.
      const id = new URL(admin.url()).pathname.split("/")[3];
      await admin.goto(`/admin/audit?user=${id}`);
      for (const words of ["Role changed", "Account disabled", "Account enabled", "Address confirmed"]) {
        await expect(rowsWith(admin, words).first()).toBeVisible();
      }
      await expectAccessible(admin);
    });

    test("an API token is shown once and can be revoked", async ({ admin }) => {
      const name = unique("shop");
      await admin.goto("/admin/tokens");
      await expectAccessible(admin);
      await fill(admin, { Name: name, "Your password": "not the password" }, "Create token");
      await expect(admin.locator(".field-error")).not.toBeEmpty();
      await expectAccessible(admin);
      await fill(admin, { Name: name, "Your password": process.env.ADMIN_PASSWORD! }, "Create token");
      await expect(admin.getByLabel("New token")).toHaveValue(/^wmk_/);
      await expectAccessible(admin);
      await admin.goto("/admin/tokens");
      await expect(admin.getByLabel("New token")).toHaveCount(0);
      await admin.getByRole("button", { name: `Revoke the token ${name}` }).click();
      await expect(rowsWith(admin, name)).toContainText("Revoked");
      await expectAccessible(admin);
    });
  });
}
