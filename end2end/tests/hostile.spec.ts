// Whatever a link carries, pages show it as text. A dialog or a violation of the content security policy fails the test (see
// site.ts).
import { expect, register, test, unique } from "./site";

const payloads = [
  `<script>alert(1)</script>`,
  `"><img src=x onerror=alert(2)>`,
  `</script><svg/onload=alert(3)>`,
  `'--></style><iframe srcdoc="<script>alert(4)</script>">`,
  `{{7*7}}\${alert(5)}`,
];

test("markup in campaign parameters shows as text on every admin page", async ({ page, admin }) => {
  const email = `${unique("eve")}@example.com`;
  const campaigns = payloads.map((payload) => `${unique("x")}${payload}`);
  for (const campaign of campaigns) {
    const query = new URLSearchParams({
      utm_source: campaign,
      utm_medium: campaign,
      utm_campaign: campaign,
      utm_term: campaign,
      utm_content: campaign,
      gclid: campaign,
    });
    await page.goto(`/?${query}`);
  }
  await register(page, email);

  for (const campaign of campaigns) {
    for (const path of ["/admin/campaigns", "/admin/leads"]) {
      await admin.goto(`${path}?${new URLSearchParams({ campaign })}`);
      await expect(admin.getByRole("main").getByText(campaign.toLowerCase()).first()).toBeVisible();
    }
  }
  await admin.goto(`/admin/leads?${new URLSearchParams({ q: email })}`);
  await admin.getByRole("main").locator("tbody tr").first().getByRole("link").first().click();
  for (const campaign of campaigns) {
    await expect(admin.getByRole("main").getByText(campaign.toLowerCase()).first()).toBeVisible();
  }
  for (const campaign of campaigns) {
    const text = encodeURIComponent(campaign);
    const link = encodeURIComponent(`https://example.com/?utm_source=${text}&gclid=${text}`);
    for (const path of [
      `/admin?period=all&campaign=${text}`,
      `/admin/conversions?period=all&kind=${text}`,
      `/admin/models?period=all&source=${text}`,
      `/admin/quality?period=all`,
      `/admin/referrals`,
      `/admin/inspector?url=${link}&referrer=${text}`,
    ]) {
      await admin.goto(path);
      await expect(admin.getByRole("main")).toBeVisible();
    }
  }
});

test("a forged error in the address is not shown", async ({ page }) => {
  const forged = "You must call this number";
  await page.goto(`/login?__path=/api/login&__err=${encodeURIComponent(Buffer.from(forged).toString("base64"))}`);
  await expect(page.getByRole("main")).toBeVisible();
  await expect(page.locator("body")).not.toContainText(forged);
});
