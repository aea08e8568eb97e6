using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace BatchViz.Browser.Tests;

/// <summary>A phone held sideways: one bar, the scene beside the sheets, the timeline under both, and nothing outside the window.</summary>
public class SidewaysTests(SeededExperiment browser) : IClassFixture<SeededExperiment>
{
    private static readonly string[] Regions = [".top", ".scene", ".tabs", ".sheets", ".timeline"];

    [Theory]
    [InlineData(844, 390, ColorScheme.Dark, "en")]
    [InlineData(667, 375, ColorScheme.Light, "zh")]
    [InlineData(932, 360, ColorScheme.Light, "en")]
    public async Task Everything_lies_in_the_window_and_the_scene_has_most_of_its_height(
        int width,
        int height,
        ColorScheme scheme,
        string language
    )
    {
        var page = await Open(width, height, scheme, language);

        var places = new Dictionary<string, LocatorBoundingBoxResult>();
        foreach (string region in Regions)
            places[region] = (await page.Locator(region).BoundingBoxAsync())!;
        Assert.All(
            places,
            place =>
                Assert.True(
                    place.Value.X >= 0
                        && place.Value.Y >= 0
                        && place.Value.X + place.Value.Width <= width + 1
                        && place.Value.Y + place.Value.Height <= height + 1,
                    $"{place.Key} lies outside: {Words(place.Value)}"
                )
        );
        foreach (string one in Regions)
        {
            foreach (string other in Regions.Where(region => string.CompareOrdinal(region, one) > 0))
                Assert.False(
                    Overlap(places[one], places[other]),
                    $"{one} ({Words(places[one])}) lies over {other} ({Words(places[other])})"
                );
        }
        Assert.InRange(places[".top"].Height, 40, 56);
        Assert.InRange(places[".timeline"].Height, 40, 64);
        Assert.True(places[".scene"].Height >= 0.68 * height, $"The scene is {places[".scene"].Height} of {height} high.");
        Assert.True(places[".scene"].Width >= 0.55 * width, $"The scene is {places[".scene"].Width} of {width} wide.");
        Assert.Equal(
            [width, height],
            await page.EvaluateAsync<int[]>("() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
        );
    }

    [Fact]
    public async Task Every_target_is_large_enough_and_none_is_cut_off()
    {
        var page = await Open(844, 390);

        Assert.Empty(
            await page.EvaluateAsync<string[]>(
                """
                () => [...document.querySelectorAll(':is(.top, .tabs, .view, .legend, .timeline) :is(a:not(.skip), button, select)')].filter(e => {
                  const { left, top, right, bottom } = e.getBoundingClientRect();
                  if (!e.checkVisibility()) return false;
                  const scrolls = e.closest('.owner-controls') !== null;
                  return bottom - top < 40 || right - left < 40 || top < 0 || bottom > innerHeight || !scrolls && (left < 0 || right > innerWidth);
                }).map(e => e.outerHTML)
                """
            )
        );
    }

    /// <summary>And upright: a chart shows its whole axis, and a little of the next one says that there is one.</summary>
    [Theory]
    [InlineData(844, 390)]
    [InlineData(390, 844)]
    public async Task A_chart_is_narrower_than_the_sheets(int width, int height)
    {
        var page = await Open(width, height);

        double[] widths = await page.EvaluateAsync<double[]>(
            "() => [...document.querySelectorAll('.sheets, .charts .chart')].map(e => e.getBoundingClientRect().width)"
        );
        Assert.True(widths.Length > 1);
        Assert.All(widths[1..], chart => Assert.InRange(chart, 0.8 * widths[0], 0.95 * widths[0]));
    }

    [Fact]
    public async Task The_sheets_are_reached_by_their_tabs_and_the_menus_stay_in_the_window()
    {
        var page = await Open(844, 390);

        await page.Locator(".tabs").GetByRole(AriaRole.Button, new() { Name = "Inspector" }).ClickAsync();
        await Expect(page.Locator(".tabs [aria-current=true]")).ToHaveTextAsync("Inspector");
        await Expect(page.Locator(".inspector .subject")).ToBeInViewportAsync(new() { Ratio = 0.99f });
        await page.Locator(".tabs").GetByRole(AriaRole.Button, new() { Name = "Hierarchy" }).ClickAsync();
        await Expect(page.Locator("[data-run=b4-s1]")).ToBeInViewportAsync(new() { Ratio = 0.99f });
        foreach (
            var (button, menu) in new[]
            {
                ("[popovertarget=view-menu]", ".view-menu"),
                ("#plane button", ".plane-menu"),
                (".more-corner", "#corner"),
            }
        )
        {
            await page.Locator(button).ClickAsync();
            await Expect(page.Locator(menu)).ToBeInViewportAsync(new() { Ratio = 0.99f });
            await page.Keyboard.PressAsync("Escape");
        }
    }

    private static bool Overlap(LocatorBoundingBoxResult a, LocatorBoundingBoxResult b) =>
        a.X + a.Width > b.X + 1 && b.X + b.Width > a.X + 1 && a.Y + a.Height > b.Y + 1 && b.Y + b.Height > a.Y + 1;

    private static string Words(LocatorBoundingBoxResult place) => $"{place.X}, {place.Y}, {place.Width} × {place.Height}";

    private async Task<IPage> Open(int width, int height, ColorScheme scheme = ColorScheme.Dark, string language = "en")
    {
        var page = await browser.NewPage([], [], width, height, scheme, touch: true);
        await page.GotoAsync($"/?lang={language}");
        await Probe.Until(page, "four runs", s => s.Heads.Count == 4 && s.Grid is not null);
        await Expect(page.Locator("#plane button")).ToBeEnabledAsync();
        return page;
    }
}
