using Microsoft.Playwright;

namespace BatchViz.Browser.Tests;

/// <summary>What tests do on an owner's page, whose fields are MudBlazor's.</summary>
internal static class OwnerPage
{
    /// <summary>Chooses an entry of a field's list by what it reads.</summary>
    public static async Task Choose(this IPage page, string field, string reading)
    {
        await page.ClickAsync(field);
        await page.Locator(".mud-popover-open").GetByRole(AriaRole.Option, new() { Name = reading, Exact = true }).ClickAsync();
    }

    /// <summary>
    /// Opens a field's list by the keyboard. MudBlazor may not be connected to a field that has only just come: then the key is pressed
    /// once more.
    /// </summary>
    public static async Task OpenList(this IPage page, string field, string reading)
    {
        await page.Locator(field).FocusAsync();
        var option = page.GetByRole(AriaRole.Option, new() { Name = reading, Exact = true });
        for (int tries = 0; ; tries++)
        {
            await page.Keyboard.PressAsync("Enter");
            try
            {
                await option.WaitForAsync(new() { Timeout = 10_000 });
                return;
            }
            catch (TimeoutException) when (tries < 5)
            {
                // Once more.
            }
        }
    }
}
