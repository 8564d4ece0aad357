import { csv, expect, expectSignedInAs, register, rowsWith, signIn, test, unique } from "./site";

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("a mistake at sign-up keeps what was typed and says what is wrong", async ({ page }) => {
      const email = `${unique("kim")}@example.com`;
      await page.goto("/register");
      const form = page.getByRole("main");
      await form.locator("input[name=email]").fill(email);
      // This password is long enough for the browser. The server refuses it as too common.
      await form.locator("input[name=password]").fill("password123");
      await form.getByRole("button", { name: /create account/i }).click();
      await expect(page).toHaveURL(/\/register/);
      await expect(form.locator("input[name=email]")).toHaveValue(email);
      await expect(form.locator("input[name=password]")).toHaveValue("");
      await expect(form.locator("input[name=password]")).toHaveAttribute("aria-invalid", "true");
      await expect(form.locator(".field-error")).not.toBeEmpty();
    });

    test("an unknown user and a wrong password get the same answer", async ({ page }) => {
      const email = `${unique("sam")}@example.com`;
      await register(page, email);
      await page.getByRole("banner").getByRole("button", { name: /sign out/i }).click();
      const answers = [];
      for (const [who, secret] of [[email, "not the password"], [`${unique("nobody")}@example.com`, "not the password"]]) {
        await page.goto("/login");
        const form = page.getByRole("main");
        await form.locator("input[name=email]").fill(who);
        await form.locator("input[name=password]").fill(secret);
        await form.getByRole("button", { name: /sign in/i }).click();
        answers.push(await form.getByRole("alert").innerText());
      }
      expect(answers[0]).not.toBe("");
      expect(answers[1]).toBe(answers[0]);
    });

    test("the admin area asks for a sign-in and then shows the page that was asked for", async ({ page }) => {
      await page.goto("/admin/campaigns?sort=leads");
      await expect(page).toHaveURL(/\/login\?next=/);
      const form = page.getByRole("main");
      await form.locator("input[name=email]").fill(process.env.ADMIN_EMAIL!);
      await form.locator("input[name=password]").fill(process.env.ADMIN_PASSWORD!);
      await form.getByRole("button", { name: /sign in/i }).click();
      await expect(page).toHaveURL(/\/admin\/campaigns\?sort=leads$/);
    });
  });
}

test.describe("a member", () => {
  test.use({ allowedProblems: [/status of 403/] });

  test("does not see the admin area", async ({ page }) => {
    await register(page, `${unique("ole")}@example.com`);
    await expect(page.getByRole("link", { name: "Dashboard" })).toHaveCount(0);
    for (const path of ["/admin", "/admin/campaigns", "/admin/leads", "/admin/leads.csv", "/admin/campaigns.csv"]) {
      const response = await page.request.get(path, { maxRedirects: 0 });
      expect(response.status(), path).toBe(403);
    }
    const response = await page.goto("/admin");
    expect(response!.status()).toBe(403);
    await expect(page.getByRole("navigation", { name: "Dashboard" })).toHaveCount(0);
  });
});

test("a member's own link brings a friend, who counts as their referral", async ({ page, browser, admin, baseURL }) => {
  const member = `${unique("noor")}@example.com`;
  const friend = `${unique("finn")}@example.com`;
  await register(page, member);
  await page.goto("/account");
  const field = page.getByRole("textbox", { name: "Your referral link" });
  const link = await field.inputValue();
  expect(link).toMatch(/\/r\/[A-Za-z0-9_-]{8,32}$/);

  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.getByRole("button", { name: "Copy" }).first().click();
  await expect(page.getByRole("button", { name: "Copied" })).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(link);

  const context = await browser.newContext({ baseURL, extraHTTPHeaders: { "X-Forwarded-For": "10.9.8.7" } });
  const theirs = await context.newPage();
  const path = new URL(link).pathname;
  await theirs.goto(path);
  await expect(theirs).toHaveURL(`${baseURL}/`);
  await register(theirs, friend);
  await context.close();

  const leads = await csv(admin, `/admin/leads.csv?q=${encodeURIComponent(friend)}`);
  expect(leads).toHaveLength(1);
  expect(leads[0]).toMatchObject({ medium: "referral", source: "internal", term: path.split("/").at(-1) });
  await admin.goto(`/admin/leads?q=${encodeURIComponent(friend)}`);
  await expect(rowsWith(admin, friend)).toHaveCount(1);

  await page.reload();
  await expect(page.getByRole("main")).toContainText("1 person signed up through this link");
});

test("changing the password ends the other sessions", async ({ page, browser, baseURL }) => {
  const email = `${unique("tove")}@example.com`;
  await register(page, email);
  const context = await browser.newContext({ baseURL, extraHTTPHeaders: { "X-Forwarded-For": "10.9.8.6" } });
  const other = await context.newPage();
  await signIn(other, email);

  await page.goto("/account");
  const fields = page.getByRole("main").locator("input[type=password]");
  await fields.nth(0).fill("correct horse battery");
  await fields.nth(1).fill("another long passphrase");
  if ((await fields.count()) > 2) await fields.nth(2).fill("another long passphrase");
  await page.getByRole("button", { name: /change password/i }).click();
  await expectSignedInAs(page, email);

  await other.goto("/account");
  await expect(other).toHaveURL(/\/login/);
  await context.close();
});
