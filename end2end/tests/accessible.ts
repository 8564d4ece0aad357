// axe looks at a page.
import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect, withoutScripts } from "./site";

/** Expects that axe finds nothing on a page. */
export async function expectAccessible(page: Page) {
  await expect(page.getByRole("main")).toBeVisible();
  if (!withoutScripts.has(page.context())) return expectNothingFound(page);
  // axe is a script. Where none runs, it looks at a copy of what the browser shows.
  const shown = (await page.content()).replace(/<script[^]*?<\/script>/g, "").replace(/<(\/?)noscript>/g, "<$1div>");
  const context = await page.context().browser()!.newContext({ javaScriptEnabled: true });
  const copy = await context.newPage();
  await copy.route(page.url().split("#")[0], (route) => route.fulfill({ contentType: "text/html", body: shown }));
  await copy.goto(page.url());
  await expectNothingFound(copy);
  await context.close();
}

/** Does what `expectAccessible` does, for a document that is no page of the site: a mail. */
export async function expectNothingFound(page: Page, except: string[] = []) {
  const { violations } = await new AxeBuilder({ page }).disableRules(except).analyze();
  const found = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(" | ")}`);
  expect(found, page.url()).toEqual([]);
}
