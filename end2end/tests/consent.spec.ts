// Consent is required here. Nothing is kept before it, and the touch of the landing is kept after it. With and without
// JavaScript.
import { csv, expect, register, test, unique } from "./site";

const consentUrl = process.env.CONSENT_URL!;
const banner = { name: "Your choice" };

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ baseURL: consentUrl, javaScriptEnabled });

    test("agreeing keeps the touch of the landing", async ({ page, admin }) => {
      const campaign = unique("consented");
      const landed = Date.now();
      await page.goto(`/?utm_source=google&utm_medium=cpc&utm_campaign=${campaign}&page=2`);
      await page.waitForTimeout(1500);
      expect(await page.context().cookies()).toEqual([]);
      await page.getByRole("region", banner).getByRole("button", { name: "Agree" }).click();
      await expect(page).toHaveURL(`${consentUrl}/?page=2`);
      await expect(page.getByRole("region", banner)).toHaveCount(0);
      await register(page, `${unique("ada")}@example.com`);

      const leads = await csv(admin, `/admin/leads.csv?campaign=${campaign}`);
      expect(leads).toHaveLength(1);
      expect(leads[0]).toMatchObject({ channel: "Paid Search", landing_path: "/", hits: "1" });
      expect(Date.parse(leads[0].occurred_at) - landed).toBeLessThan(1400);
    });

    test("a visitor who declines is not asked again, and can agree later", async ({ page, admin }) => {
      const campaign = unique("declined");
      await page.goto(`/?utm_source=google&utm_campaign=${campaign}`);
      await page.getByRole("region", banner).getByRole("button", { name: "Decline" }).click();
      await expect(page.getByRole("region", banner)).toHaveCount(0);
      const cookies = await page.context().cookies();
      expect(cookies.map(({ name }) => name)).toEqual(["waymark-consent"]);
      await page.goto("/privacy");
      await page.getByRole("main").getByRole("button", { name: "Agree" }).click();
      await expect(page.getByRole("main")).toContainText("You agreed.");
      await page.goto(`/?utm_source=google&utm_campaign=${campaign}-later`);
      await register(page, `${unique("bob")}@example.com`);
      expect(await csv(admin, `/admin/leads.csv?campaign=${campaign}`)).toHaveLength(0);
      expect(await csv(admin, `/admin/leads.csv?campaign=${campaign}-later`)).toHaveLength(1);
    });
  });
}

test.describe("the keyboard", () => {
  test.use({ baseURL: consentUrl });

  test("reaches the banner before the page, and decides", async ({ page }) => {
    await page.goto("/");
    const yes = page.getByRole("region", banner).getByRole("button", { name: "Agree" });
    for (let tabs = 0; tabs < 12 && !(await yes.evaluate((element) => element === document.activeElement)); tabs++) {
      await page.keyboard.press("Tab");
    }
    await expect(yes).toBeFocused();
    await page.keyboard.press("Enter");
    await expect(page.getByRole("region", banner)).toHaveCount(0);
  });

  test("a fragment waits for consent as well", async ({ page, admin }) => {
    const campaign = unique("fragment");
    const beacons: string[] = [];
    page.on("request", (request) => request.url().endsWith("/api/touch") && beacons.push(request.url()));
    await page.goto(`/#utm_source=podcast&utm_medium=audio&utm_campaign=${campaign}`);
    await expect(page.locator("input[data-beacon]")).toHaveValue(/podcast/);
    await page.getByRole("region", banner).getByRole("button", { name: "Agree" }).click();
    await expect(page.getByRole("region", banner)).toHaveCount(0);
    await register(page, `${unique("cleo")}@example.com`);
    expect(beacons.length, "no beacon before consent").toBe(0);
    const leads = await csv(admin, `/admin/leads.csv?campaign=${campaign}`);
    expect(leads).toHaveLength(1);
    expect(leads[0]).toMatchObject({ channel: "Audio", source: "podcast" });
  });
});
