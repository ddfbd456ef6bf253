// Makes the pictures of the documents: `npm run screenshots`, with the program built.
import { join } from 'node:path';
import { scene } from './scene';
import { expect, test } from './test';

const FOLDER = join(import.meta.dirname, '..', 'docs', 'screenshots');
/** As much as a reader of the README sees at once. */
const WINDOW = { viewport: { width: 1280, height: 860 }, colorScheme: 'light' as const };

test('a request that waits, and a task that ran', async ({ ada, browser }) => {
  const { grace, mei, approval, ended } = await scene(ada, 'Payments');
  for (const [person, path, name] of [[grace, approval, 'approval'], [mei, ended, 'task']] as const) {
    const page = await person.open(browser, WINDOW);
    await page.goto(path);
    await expect(page.getByRole('complementary').getByRole('button', { name: 'Copy' })).toBeVisible();
    await page.screenshot({ path: join(FOLDER, `${name}.png`) });
  }
});
