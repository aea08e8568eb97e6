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
}
