using System.Globalization;
using Microsoft.AspNetCore.Localization;

namespace BatchViz.Web;

/// <summary>
/// The language of pages and circuits: what the address asks for (for this visit, by a cookie that ends with the browser's session), else
/// what the visitor has chosen on the page (whose script keeps it in a cookie), else what the browser prefers. docs/decisions/0011.
/// </summary>
internal static class PageLanguage
{
    /// <summary>Both are named in BatchViz.Stage/remember.ts, too, which writes the one and ends the other.</summary>
    public const string Chosen = "batchviz.language.chosen",
        OfVisit = "batchviz.language.visit";

    public static void UsePageLanguage(this IApplicationBuilder app)
    {
        var languages = new[] { new CultureInfo("en"), new CultureInfo("zh-Hans") };
        app.UseRequestLocalization(
            new RequestLocalizationOptions
            {
                // Numbers and dates are written alike everywhere.
                DefaultRequestCulture = new RequestCulture(CultureInfo.InvariantCulture, languages[0]),
                SupportedCultures = [CultureInfo.InvariantCulture],
                SupportedUICultures = languages,
                RequestCultureProviders =
                [
                    new CustomRequestCultureProvider(http => Task.FromResult(Asked(http))),
                    new CustomRequestCultureProvider(http => Task.FromResult(Preferred(http))),
                ],
            }
        );
    }

    private static ProviderCultureResult? Asked(HttpContext http)
    {
        string? asked = http.Request.Query["lang"];
        if (Culture(asked) is { } culture)
        {
            http.Response.Cookies.Append(OfVisit, asked!, new CookieOptions { SameSite = SameSiteMode.Strict, IsEssential = true });
            return culture;
        }
        return Culture(http.Request.Cookies[OfVisit]) ?? Culture(http.Request.Cookies[Chosen]);
    }

    /// <summary>The first of the browser's languages that there is a text in.</summary>
    private static ProviderCultureResult? Preferred(HttpContext http) =>
        http
            .Request.GetTypedHeaders()
            .AcceptLanguage.OrderByDescending(language => language.Quality ?? 1)
            .Select(language =>
                language.Value.Value is { } name
                    ? Culture(
                        name.StartsWith("zh", StringComparison.OrdinalIgnoreCase) ? "zh"
                        : name.StartsWith("en", StringComparison.OrdinalIgnoreCase) ? "en"
                        : null
                    )
                    : null
            )
            .FirstOrDefault(culture => culture is not null);

    private static ProviderCultureResult? Culture(string? language) =>
        language switch
        {
            "en" => new("", "en"),
            "zh" => new("", "zh-Hans"),
            _ => null,
        };
}
