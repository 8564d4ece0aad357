import { expect, publicPaths, test } from "./site";

test("the theme switch goes from system to light to dark, and the choice stays", async ({ page }) => {
  await page.emulateMedia({ colorScheme: "light" });
  await page.goto("/");
  const theme = () => page.locator("html").getAttribute("data-theme");
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await background();
  const button = page.getByRole("button", { name: /colours/i });
  await expect(button).toBeVisible();
  expect(await theme()).toBeNull();

  await button.click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "light");
  await button.click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  const dark = await background();
  expect(dark).not.toBe(light);

  await page.goto("/login");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  expect(await background()).toBe(dark);

  await page.getByRole("button", { name: /colours/i }).click();
  await expect(page.locator("html")).not.toHaveAttribute("data-theme");
  expect(await background()).toBe(light);
});

test.describe("an unknown address", () => {
  test.use({ allowedProblems: [/status of 404/] });

  test("answers 404 with a page of the site", async ({ page }) => {
    const response = await page.goto("/no-such-page");
    expect(response!.status()).toBe(404);
    await expect(page.getByRole("banner").getByRole("link", { name: /Waymark/ })).toBeVisible();
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  });
});

for (const width of [320, 390, 768, 1280]) {
  test(`public pages do not scroll sideways at ${width} pixels`, async ({ page }) => {
    await page.setViewportSize({ width, height: 800 });
    for (const path of publicPaths) {
      await page.goto(path);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect(overflow, path).toBeLessThanOrEqual(0);
    }
  });
}

test("the content security policy allows nothing inline and changes its nonce", async ({ request }) => {
  const nonces = [];
  for (let visit = 0; visit < 2; visit++) {
    const policy = (await request.get("/")).headers()["content-security-policy"];
    expect(policy).not.toContain("unsafe-inline");
    expect(policy).not.toContain("'unsafe-eval'");
    nonces.push(policy.match(/'nonce-([^']+)'/)![1]);
  }
  expect(nonces[0]).not.toBe(nonces[1]);
});
