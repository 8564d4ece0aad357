// Functions that the tests share. Each page that a test opens is watched. The test fails on an error in the console, an
// uncaught exception, a violation of the content security policy, or a dialog.
import { test as base, expect, type BrowserContext, type Locator, type Page } from "@playwright/test";

export { expect };

/** The pages that anybody can open. */
export const publicPaths = ["/", "/login", "/register", "/privacy"];

export const password = "correct horse battery";
export const adminState = "test-results/admin.json";

let counter = 0;
/** A word that no other test, worker or run uses. All of them share one database. */
export function unique(word: string): string {
  counter += 1;
  return `${word}-${Date.now().toString(36)}-${process.pid}-${counter}`;
}

/** An address of its own for each visitor, because sign-ins are limited for each address. */
export function visitorHeaders(): Record<string, string> {
  const byte = () => Math.floor(Math.random() * 254) + 1;
  return { "X-Forwarded-For": `10.${byte()}.${byte()}.${byte()}` };
}

/** Collects what no page may do, except messages that match one of `allowed`. */
function watch(context: BrowserContext, problems: string[], allowed: RegExp[]) {
  const note = (page: Page | null, text: string) => {
    if (!allowed.some((pattern) => pattern.test(text))) problems.push(`${page?.url() ?? "?"}: ${text}`);
  };
  context.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") note(message.page(), `console: ${message.text()}`);
  });
  context.on("weberror", (error) => note(error.page(), `uncaught: ${error.error().message}`));
  context.on("dialog", async (dialog) => {
    note(dialog.page(), `dialog: ${dialog.message()}`);
    await dialog.dismiss();
  });
  return context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) =>
      console.error(`CSP: ${event.violatedDirective} refused ${event.blockedURI || "inline"}`),
    );
  });
}

/** Browsers that run no scripts. axe looks at copies of their pages. */
export const withoutScripts = new WeakSet<BrowserContext>();

type Fixtures = {
  /** Messages in the console that the test expects, such as the browser's own message about a 404. */
  allowedProblems: RegExp[];
  problems: string[];
  /** A page of the admin. The fixture `page` belongs to a new visitor. */
  admin: Page;
};

export const test = base.extend<Fixtures>({
  allowedProblems: [[], { option: true }],
  extraHTTPHeaders: async ({}, use) => use(visitorHeaders()),
  problems: [
    async ({}, use) => {
      const problems: string[] = [];
      await use(problems);
      expect(problems, "what the browser complained about").toEqual([]);
    },
    { auto: true },
  ],
  context: async ({ context, problems, allowedProblems, javaScriptEnabled }, use) => {
    if (!javaScriptEnabled) withoutScripts.add(context);
    await watch(context, problems, allowedProblems);
    await use(context);
  },
  admin: async ({ browser, problems, allowedProblems, contextOptions, javaScriptEnabled, colorScheme }, use) => {
    const context = await browser.newContext({
      ...contextOptions,
      baseURL: process.env.BASE_URL,
      storageState: adminState,
      extraHTTPHeaders: visitorHeaders(),
      javaScriptEnabled,
      colorScheme,
      locale: "en-GB",
      timezoneId: "UTC",
    });
    if (!javaScriptEnabled) withoutScripts.add(context);
    await watch(context, problems, allowedProblems);
    await use(await context.newPage());
    await context.close();
  },
});

export async function register(page: Page, email: string) {
  await page.goto("/register");
  await submitCredentials(page, email, /create account/i);
}

export async function signIn(page: Page, email: string, secret = password) {
  await page.goto("/login");
  await submitCredentials(page, email, /sign in/i, secret);
}

async function submitCredentials(page: Page, email: string, button: RegExp, secret = password) {
  const form = page.getByRole("main");
  await form.locator("input[name=email]").fill(email);
  await form.locator("input[name=password]").fill(secret);
  await form.getByRole("button", { name: button }).click();
  await expectSignedInAs(page, email);
}

export async function expectSignedInAs(page: Page, email: string) {
  await expect(page.getByRole("banner").getByRole("link", { name: email })).toBeVisible();
}

/** The rows of the page's table that show a text. */
export function rowsWith(page: Page, text: string): Locator {
  return page.getByRole("main").locator("tbody tr").filter({ hasText: text });
}

/** The cell of a row that stands under the heading. */
export async function cell(row: Locator, heading: RegExp): Promise<Locator> {
  const headings = await row.locator("xpath=ancestor::table[1]").locator("thead th").allInnerTexts();
  const index = headings.findIndex((text) => heading.test(text.trim()));
  expect(index, `a column ${heading} among ${headings.join(", ")}`).toBeGreaterThanOrEqual(0);
  return row.locator("th, td").nth(index);
}

/** Reads a CSV of the admin area, one record for each row. Quoted values may hold commas and line breaks. */
export async function csv(admin: Page, path: string): Promise<Record<string, string>[]> {
  const response = await admin.request.get(path);
  expect(response.status(), path).toBe(200);
  expect(response.headers()["content-type"]).toContain("text/csv");
  const rows: string[][] = [[]];
  const text = (await response.text()).replace(/^\uFEFF/, "");
  for (const match of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    if (match.index === text.length && rows.at(-1)!.length === 0) break;
    rows.at(-1)!.push(match[1] !== undefined ? match[1].replaceAll('""', '"') : match[2]);
    if (match[3] === "") break;
    if (match[3] !== ",") rows.push([]);
  }
  if (rows.at(-1)!.length === 0) rows.pop();
  const [names, ...records] = rows;
  return records.map((record) => Object.fromEntries(names.map((name, index) => [name, record[index]])));
}
