// The mails that the site with MAIL_URL=file:DIR has written: a file with a text part and an HTML part for each.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "@playwright/test";
import { expectNothingFound } from "./accessible";
import { expect } from "./site";

export type Mail = { subject: string; text: string; html: string };

/** Decodes quoted-printable and base64, the two ways in which a part of a mail may be written. */
function decoded(part: string): string {
  const [head, ...rest] = part.split("\r\n\r\n");
  const body = rest.join("\r\n\r\n");
  if (/^content-transfer-encoding: base64/im.test(head)) return Buffer.from(body, "base64").toString("utf8");
  if (!/^content-transfer-encoding: quoted-printable/im.test(head)) return body;
  const bytes = body.replace(/=\r?\n/g, "").replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8");
}

function parse(file: string): Mail & { to: string } {
  const text = readFileSync(file, "utf8");
  const head = text.split("\r\n\r\n", 1)[0].replace(/\r\n[ \t]+/g, " ");
  const header = (name: string) => new RegExp(`^${name}: (.*)$`, "im").exec(head)?.[1].trim() ?? "";
  const boundary = /boundary="?([^";\r\n]+)"?/i.exec(head)![1];
  const [, plain, html] = text.split(`--${boundary}`).map((part) => part.replace(/^\r\n/, ""));
  return { to: header("To"), subject: header("Subject"), text: decoded(plain), html: decoded(html) };
}

function mailsTo(to: string): Mail[] {
  const folder = process.env.MAIL_DIR!;
  // A mail's name is its job's id, which begins with the time.
  const files = readdirSync(folder).filter((name) => name.endsWith(".eml")).sort();
  return files.map((name) => parse(join(folder, name))).filter((mail) => mail.to === to);
}

/** Waits for the newest mail to an address with this subject. */
export async function mailTo(to: string, subject: RegExp): Promise<Mail> {
  const find = () => mailsTo(to).filter((mail) => subject.test(mail.subject)).at(-1);
  await expect.poll(() => find()?.subject ?? "", { message: `a mail to ${to}`, timeout: 30_000 }).toMatch(subject);
  return find()!;
}

/** The path of the link in a mail. */
export function linkIn(mail: Mail, start: string): string {
  const found = new RegExp(`https?://[^/\\s]+(${start}\\S+)`).exec(mail.text);
  expect(found, mail.text).not.toBeNull();
  return found![1];
}

/** Looks at a mail as mail programs show it: narrow and wide, in light and in dark. */
export async function expectReadable(browser: Browser, mail: Mail) {
  const context = await browser.newContext({ javaScriptEnabled: true });
  const page = await context.newPage();
  for (const width of [390, 800]) {
    for (const colorScheme of ["light", "dark"] as const) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      await page.setContent(mail.html);
      // A mail has no landmarks.
      await expectNothingFound(page, ["region", "landmark-one-main"]);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      expect(wide, `${mail.subject} at ${width}`).toBeLessThanOrEqual(width);
    }
  }
  await context.close();
}
