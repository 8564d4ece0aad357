// The example to copy: projects of a user, with and without JavaScript.
import AxeBuilder from "@axe-core/playwright";
import { expect, register, test, unique } from "./site";

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with JavaScript" : "without JavaScript", () => {
    test.use({ javaScriptEnabled });

    test("a user makes, changes and deletes a project", async ({ page }) => {
      await register(page, `${unique("mia")}@example.com`);
      await page.getByRole("banner").getByRole("link", { name: "Projects" }).click();
      await expect(page.getByText("No projects here")).toBeVisible();

      await page.getByRole("link", { name: "New project" }).click();
      await page.getByLabel("Note").fill("bread and cakes");
      await page.getByRole("button", { name: "Save" }).click();
      await expect(page.getByText("Enter a name.")).toBeVisible();
      await expect(page.getByLabel("Note")).toHaveValue("bread and cakes");

      await page.getByLabel("Name").fill("Bakery");
      await page.getByRole("button", { name: "Save" }).click();
      await expect(page.getByRole("status")).toHaveText("The project is saved.");
      await page.getByRole("link", { name: "Bakery" }).click();
      await expect(page.getByLabel("Name")).toHaveValue("Bakery");
      await page.getByRole("button", { name: "Delete the project" }).click();
      await expect(page.getByText("No projects here")).toBeVisible();
    });
  });
}

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds no problem with projects in ${colorScheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme });
    await register(page, `${unique("mia")}@example.com`);
    const check = async () => expect((await new AxeBuilder({ page }).analyze()).violations, page.url()).toEqual([]);
    await page.goto("/projects");
    await check();
    await page.goto("/projects/new");
    await check();
    await page.getByLabel("Name").fill("Bakery");
    await page.getByRole("button", { name: "Save" }).click();
    await check();
    await page.getByRole("link", { name: "Bakery" }).click();
    await check();
  });
}
