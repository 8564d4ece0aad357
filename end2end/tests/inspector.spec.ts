// The inspector: an island that shows what the browser's parser reads while somebody types, and a plain form without script.
import { expect, test } from "./site";

const address = "https://shop.example/pricing?gclid=Abc#utm_term=running+shoes";

test("shows what an address says while it is typed, and the whole answer without loading a page", async ({ admin }) => {
  await admin.goto("/admin/inspector");
  const main = admin.getByRole("main");
  const field = main.getByLabel("Address that was opened");
  const result = main.locator("[aria-live]");
  await expect(main.locator("leptos-island[data-ready]")).toBeAttached();
  await admin.evaluate(() => document.body.setAttribute("data-same-page", ""));

  await field.pressSequentially(address);
  await expect(result).toContainText("In the address");
  await expect(result).toContainText("running shoes");
  await expect(result).not.toContainText("Paid Search");

  await main.getByRole("button", { name: "Inspect" }).click();
  await expect(result).toContainText("Captured");
  await expect(result).toContainText("Paid Search");
  await expect(result).toContainText("the part after the #");
  await expect(admin.locator("body[data-same-page]")).toBeAttached();

  // The address of the page holds the question, so that a reload gives the same answer.
  await admin.reload();
  await expect(result).toContainText("Paid Search");
  await expect(field).toHaveValue(address);

  await expect(main.locator("leptos-island[data-ready]")).toBeAttached();
  await field.fill("no address");
  await main.getByRole("button", { name: "Inspect" }).click();
  await expect(main.getByText("This is not an address.")).toBeVisible();
  await expect(field).toHaveAttribute("aria-invalid", "true");
  await field.fill("/pricing?utm_source=news");
  await expect(main.getByText("This is not an address.")).not.toBeVisible();
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("the form loads a page with the whole answer", async ({ admin }) => {
    await admin.goto("/admin/inspector");
    const main = admin.getByRole("main");
    await main.getByLabel("Address that was opened").fill(address);
    await main.getByLabel("The browser asks for privacy (Sec-GPC)").check();
    await main.getByRole("button", { name: "Inspect" }).click();
    await expect(admin).toHaveURL(/\/admin\/inspector\?address=https/);
    await expect(main).toContainText("running shoes");
    await expect(main.getByLabel("Address that was opened")).toHaveValue(address);
    await expect(main.getByLabel("The browser asks for privacy (Sec-GPC)")).toBeChecked();

    await main.getByLabel("Address that was opened").fill("no address");
    await main.getByRole("button", { name: "Inspect" }).click();
    await expect(main.getByText("This is not an address.")).toBeVisible();
  });
});
