using System.Net;
using BatchViz.Web;

namespace BatchViz.Tests;

/// <summary>Which language a page comes in.</summary>
public class LanguageTests(RunningHost host) : IClassFixture<RunningHost>
{
    [Theory]
    [InlineData("/", null, "en")]
    [InlineData("/", "zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans")]
    [InlineData("/", "de-DE,de;q=0.9,en;q=0.8,zh;q=0.5", "en")]
    [InlineData("/?lang=zh", "en", "zh-Hans")]
    [InlineData("/?lang=en", "zh-CN", "en")]
    [InlineData("/?lang=nonsense", "zh-CN", "zh-Hans")]
    public async Task The_address_decides_then_the_browser(string address, string? accepts, string language)
    {
        Assert.Contains($"<html lang=\"{language}\"", await Page(host.Client, address, accepts));
    }

    [Fact]
    public async Task What_the_address_asked_for_holds_for_the_visit()
    {
        using var client = new HttpClient(new HttpClientHandler { CookieContainer = new CookieContainer() })
        {
            BaseAddress = host.Client.BaseAddress,
        };
        await Page(client, "/?lang=zh", "en");
        Assert.Contains("<html lang=\"zh-Hans\"", await Page(client, "/", "en"));
        await Page(client, "/?lang=en", "zh");
        Assert.Contains("<html lang=\"en\"", await Page(client, "/", "zh"));
    }

    /// <summary>The choice is a cookie that the page's script writes, a year long; a link's ends with the browser's session.</summary>
    [Fact]
    public async Task What_a_link_asks_for_does_not_replace_what_the_visitor_has_chosen()
    {
        var cookies = new CookieContainer();
        using var client = new HttpClient(new HttpClientHandler { CookieContainer = cookies }) { BaseAddress = host.Client.BaseAddress };
        cookies.Add(client.BaseAddress!, new Cookie(PageLanguage.Chosen, "en", "/") { Expires = DateTime.Now.AddYears(1) });
        Assert.Contains("<html lang=\"zh-Hans\"", await Page(client, "/?lang=zh", "en"));
        Assert.Contains("<html lang=\"zh-Hans\"", await Page(client, "/", "en")); // the circuit of this visit, too
        foreach (Cookie cookie in cookies.GetAllCookies())
            cookie.Expired |= cookie.Expires == default; // the browser is closed
        Assert.Contains("<html lang=\"en\"", await Page(client, "/", "zh"));
    }

    private static async Task<string> Page(HttpClient client, string address, string? accepts)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, address);
        if (accepts is not null)
            request.Headers.Add("Accept-Language", accepts);
        using var answer = await client.SendAsync(request);
        return await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync();
    }
}
