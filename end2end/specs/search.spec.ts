// Search and keyboard shortcuts: a page without JavaScript, a Ctrl-K dialog and two-letter shortcuts with it.
import { expect, test } from '../test';

test('search returns accessible results, also without JavaScript', async ({ ada, team, browser }) => {
  const [mei, noor] = [await team.add('Mei', 'member'), await team.add('Noor', 'member')];
  const own = { organization: team.id, visibility: 'private' };
  await mei.submit({ ...own, script: 'true', title: `Zebra of ${team.name}` });
  const page = await mei.open(browser, { javaScriptEnabled: false });
  await page.goto('/');
  await page.getByRole('searchbox', { name: 'Search everything' }).fill('zebra of');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL('/search?q=zebra+of');
  await page.getByRole('link', { name: `Zebra of ${team.name}` }).click();
  await expect(page.getByRole('heading', { level: 1, name: `Zebra of ${team.name}` })).toBeVisible();
  await page.goto('/search?q=Noor');
  await expect(page.getByText('No matches'), 'people are found only by those who can manage them').toBeVisible();

  const other = await noor.open(browser);
  await other.goto('/search?q=zebra');
  await expect(other.getByText('No matches'), 'private tasks of others are not found').toBeVisible();
  const admin = await ada.open(browser);
  await admin.goto(`/search?q=${noor.email}`);
  await expect(admin.locator('#found').getByRole('link', { name: 'Noor' })).toBeVisible();
});

test('Ctrl-K opens search on any page by keyboard', async ({ team, browser }) => {
  const mei = await team.add('Mei', 'member');
  for (const title of ['Giraffe one', 'Giraffe two']) await mei.submit({ script: 'true', title, organization: team.id });
  const page = await mei.open(browser);
  await page.goto('/keys');
  await expect(page.locator('#palette')).toBeAttached();
  const field = page.getByRole('combobox', { name: 'Search everything' });
  await expect(async () => {
    await page.keyboard.press('Control+k');
    await expect(field).toBeFocused({ timeout: 1_000 });
  }).toPass();
  await page.keyboard.type('giraffe');
  const options = page.getByRole('option');
  await expect(options).toHaveCount(2);
  await expect(options.first()).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('ArrowDown');
  await expect(options.nth(1)).toHaveAttribute('aria-selected', 'true');
  await expect(field).toHaveAttribute('aria-activedescendant', 'palette-1');
  await page.keyboard.press('ArrowDown');
  await expect(options.first(), 'the selection wraps around').toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('Escape');
  await expect(field).toBeHidden();
  await page.keyboard.press('Control+k');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'Giraffe two' }), 'newest first').toBeVisible();
});

test('two-letter shortcuts navigate, except in text fields and when turned off', async ({ team, browser }) => {
  const mei = await team.add('Mei', 'member');
  const page = await mei.open(browser);
  await page.goto('/tasks/new');
  await page.getByLabel('Script').fill('');
  await page.keyboard.type('g a?');
  await expect(page.getByLabel('Script')).toHaveValue('g a?');
  await expect(page).toHaveURL('/tasks/new');
  await page.getByRole('heading', { level: 1 }).click();
  await page.keyboard.type('ga');
  await expect(page).toHaveURL('/approvals');

  const keys = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await expect(async () => {
    await page.keyboard.press('?');
    await expect(keys).toBeVisible({ timeout: 1_000 });
  }).toPass();
  await keys.getByRole('button', { name: 'Single-key shortcuts' }).click();
  await expect(keys.getByRole('button', { name: 'Single-key shortcuts' })).toHaveAttribute('aria-pressed', 'false');
  await keys.getByRole('button', { name: 'Close' }).click();
  await page.keyboard.type('gt');
  await page.keyboard.press('?');
  await expect(keys).toBeHidden();
  await expect(page).toHaveURL('/approvals');
});

test('BC-54 the search opens by the key of the system, and never over a dialog', async ({ team, browser }) => {
  const mei = await team.add('Mei', 'member');
  const page = await mei.open(browser);
  await page.goto('/tasks/new');
  const palette = page.locator('#palette');
  const script = page.getByLabel('Script');
  await script.fill('first line');
  await expect(async () => {
    await page.keyboard.press('Control+k');
    await expect(palette).toBeVisible({ timeout: 1_000 });
  }).toPass();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Meta+k');
  await expect(palette).toBeHidden();
  await script.evaluate((field) => field.dispatchEvent(new KeyboardEvent('keydown', { key: 'k', ctrlKey: true, isComposing: true, bubbles: true })));
  await expect(palette).toBeHidden();
  await expect(script).toHaveValue('first line');
  await page.locator('h1').click();
  await page.keyboard.press('?');
  await expect(page.locator('#keys-dialog')).toBeVisible();
  await page.keyboard.press('Control+k');
  await expect(palette).toBeHidden();

  await test.step('on a Mac, Ctrl-K belongs to the field', async () => {
    const mac = await mei.open(browser);
    await mac.addInitScript(() => Object.defineProperty(navigator, 'platform', { get: () => 'MacIntel' }));
    await mac.goto('/tasks/new');
    await mac.getByLabel('Script').focus();
    await expect(async () => {
      await mac.keyboard.press('Meta+k');
      await expect(mac.locator('#palette')).toBeVisible({ timeout: 1_000 });
    }).toPass();
    await mac.keyboard.press('Escape');
    await mac.keyboard.press('Control+k');
    await expect(mac.locator('#palette')).toBeHidden();
  });
});
