// Retention: times are previewed and then saved, and a legal hold is set and lifted.
import { setUp } from '../users';
import { expect, test } from '../test';

test('M-16 an admin previews and saves retention times, and sets and lifts a legal hold', async ({ fresh, browser }) => {
  const ada = await setUp(fresh);
  const page = await ada.open(browser);
  await page.goto('/settings/retention');
  await page.getByLabel('Task output').fill('0');
  await page.getByRole('button', { name: 'Preview deletion' }).click();
  await expect(page.getByRole('alert').getByRole('link', { name: /Task output/ })).toBeVisible();
  await page.getByLabel('Task output').fill('30');
  await page.getByRole('button', { name: 'Preview deletion' }).click();
  const output = page.getByRole('row', { name: /Task output/ });
  await expect(output.getByRole('cell')).toHaveText(['Forever', '30 days', '0']);
  await page.getByText('Save retention times…').click();
  await page.getByRole('button', { name: 'Save retention times' }).click();
  await expect(output.getByRole('cell')).toHaveText(['30 days', '0']);

  await page.getByText('Set legal hold…').click();
  await page.getByLabel('Reason').fill('Case 7');
  await page.getByRole('button', { name: 'Set legal hold' }).click();
  await expect(page.getByText('A legal hold is in force.')).toBeVisible();
  await page.getByText('Lift legal hold…').click();
  await page.getByRole('button', { name: 'Lift legal hold' }).click();
  await expect(page.getByText('No legal hold is in force.')).toBeVisible();
});
