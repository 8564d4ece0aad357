// Takes the pictures in docs/screenshots. bin/screenshots runs this file on sample data.
// Environment: BASE_URL, ADMIN_EMAIL, ADMIN_PASSWORD; CHROMIUM_PATH if Playwright's own browser is not installed.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "@playwright/test";

const { BASE_URL: baseURL, ADMIN_EMAIL, ADMIN_PASSWORD, CHROMIUM_PATH } = process.env;
if (!baseURL || !ADMIN_EMAIL || !ADMIN_PASSWORD) throw new Error("BASE_URL, ADMIN_EMAIL and ADMIN_PASSWORD must be set");
const folder = join(fileURLToPath(new URL("..", import.meta.url)), "docs", "screenshots");
mkdirSync(folder, { recursive: true });

const browser = await chromium.launch({ executablePath: CHROMIUM_PATH || undefined });

/** A page in a browser of its own: of a visitor, or signed in. `isNew`: the account is made first. */
async function session(email, password, isNew) {
  // Sign-ins are limited for each address, so each browser has an address of its own.
  const headers = { "X-Forwarded-For": `10.1.1.${Math.floor(Math.random() * 250) + 1}` };
  const context = await browser.newContext({ baseURL, locale: "en-GB", timezoneId: "UTC", extraHTTPHeaders: headers });
  const page = await context.newPage();
  // Where mail goes out, signing up signs nobody in.
  for (const path of email ? [...(isNew ? ["/register"] : []), "/login"] : []) {
    await page.goto(path);
    const form = page.getByRole("main").locator("form:has(input[name=password])");
    await form.locator("input[name=email]").fill(email);
    await form.locator("input[name=password]").fill(password);
    await form.locator("button[type=submit]").click();
    await page.waitForLoadState("networkidle");
  }
  if (email) await page.getByRole("banner").getByRole("link", { name: email }).waitFor();
  return page;
}

const visitor = await session();
const member = await session(`maya.${Date.now().toString(36)}@example.com`, "correct horse battery", true);
const admin = await session(ADMIN_EMAIL, ADMIN_PASSWORD);

/** Of the first users with leads, the one whose journey has the most steps. A picture of one touch says little. */
async function longestJourney() {
  const hrefs = async (start) =>
    admin
      .getByRole("main")
      .locator(`a[href^='${start}']`)
      .evaluateAll((anchors) => [...new Set(anchors.map((anchor) => anchor.getAttribute("href")))]);
  await admin.goto("/admin/leads");
  const users = new Set();
  for (const lead of (await hrefs("/admin/leads/")).slice(0, 25)) {
    await admin.goto(lead);
    const ids = (await hrefs("/admin/users/")).map((href) => href.split(/[/?]/)[3]);
    ids.forEach((id) => users.add(`/admin/users/${id}/journey`));
  }
  let best = { href: undefined, steps: -1 };
  for (const href of users) {
    await admin.goto(href);
    const steps = await admin.locator(".trail li").count();
    if (steps > best.steps && steps <= 8) best = { href, steps };
  }
  if (!best.href) throw new Error("there is no lead: fill the database with `waymark demo` first");
  return best.href;
}

const shots = [
  ["home", visitor, "/"],
  ["register", visitor, "/register"],
  ["account", member, "/account"],
  ["overview", admin, "/admin"],
  ["campaigns", admin, "/admin/campaigns"],
  ["leads", admin, "/admin/leads"],
  ["journey", admin, await longestJourney()],
  ["conversions", admin, "/admin/conversions"],
  ["models", admin, "/admin/models?period=90d"],
  ["quality", admin, "/admin/quality"],
  [
    "inspector",
    admin,
    `/admin/inspector?${new URLSearchParams({
      address: "https://www.example.com/pricing?utm_source=fb-ads&utm_campaign=spring&gclid=AbC-_1",
      linked_from: "https://l.facebook.com/",
    })}`,
  ],
  ["privacy", visitor, "/privacy"],
  // Of these pages the two pictures that differ most are enough.
  ["sign-in", visitor, "/login", "few"],
  ["forgot", visitor, "/forgot", "few"],
  ["second-factor", member, "/account/second-factor", "few"],
  ["projects", member, "/projects/new", "few"],
  ["users", admin, "/admin/users", "few"],
  ["user", admin, (await longestJourney()).replace("/journey", ""), "few"],
  ["audit", admin, "/admin/audit", "few"],
  ["jobs", admin, "/admin/jobs", "few"],
  ["tokens", admin, "/admin/tokens", "few"],
];
const sizes = [
  ["", { width: 1280, height: 800 }],
  ["-narrow", { width: 390, height: 844 }],
];

for (const [name, page, path, few] of shots) {
  for (const colorScheme of ["light", "dark"]) {
    for (const [suffix, size] of sizes) {
      if (few && (colorScheme === "light") !== (suffix === "")) continue;
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.goto(path);
      await page.evaluate(() => document.fonts.ready);
      // Islands show their content once they run. The picture has to wait for them.
      await page.waitForLoadState("networkidle");
      const height = await page.evaluate(() => document.documentElement.scrollHeight);
      const file = join(folder, `${name}${suffix}-${colorScheme}.png`);
      // Long pages are cut: the picture shows how a page looks, not all that is on it.
      const clip = { x: 0, y: 0, width: size.width, height: Math.min(height, size.height * 2) };
      await page.screenshot({ path: file, fullPage: true, clip, animations: "disabled" });
      console.log(file);
    }
  }
}
await browser.close();
