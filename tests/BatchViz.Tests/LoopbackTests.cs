using System.Net;
using BatchViz.Core.Specs;
using BatchViz.Web;

namespace BatchViz.Tests;

/// <summary>Without sign-in: this computer alone, and it is the owner.</summary>
public class LoopbackTests(RunningHost host) : IClassFixture<RunningHost>
{
    [Fact]
    public async Task Whoever_brings_no_cookie_is_the_owner_and_the_viewer_link_still_makes_a_viewer()
    {
        Assert.Contains("\"owner\"", await host.Client.GetStringAsync("/api/session"));
        using var viewer = await host.Joined(host.Links.Viewer);
        Assert.Contains("\"viewer\"", await viewer.GetStringAsync("/api/session"));
        using var control = await viewer.PostAsync("/hubs/control/negotiate", null);
        Assert.Equal(HttpStatusCode.Forbidden, control.StatusCode);
    }

    [Theory]
    [InlineData("evil.example")]
    [InlineData("localhost.evil.example")]
    [InlineData("192.168.1.5")]
    public async Task Other_names_for_this_computer_are_refused(string name)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/") { Headers = { Host = name } };
        using var answer = await host.Client.SendAsync(request);

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
    }

    [Theory]
    [InlineData("http://0.0.0.0:5000", "--sign-in")]
    [InlineData("http://localhost:5000;http://192.168.1.5:80", "--sign-in")]
    [InlineData("http://*:5000", "--sign-in")]
    [InlineData("ftp://localhost", "only http")]
    [InlineData("nonsense", "no address")]
    [InlineData("", "empty")]
    public void Addresses_that_others_can_reach_need_sign_in_and_nonsense_is_named(string urls, string says)
    {
        var refused = Assert.Throws<RefusedException>(() => new ServeOptions(urls, signIn: false));
        Assert.Contains(says, refused.Message);
    }

    [Theory]
    [InlineData("http://0.0.0.0:5000")]
    [InlineData("http://localhost:5000")]
    public void With_sign_in_every_address_is_served(string urls) =>
        Assert.True(new ServeOptions(urls, signIn: true).AllowsHost("localhost"));

    [Fact]
    public async Task No_page_may_run_inline_script_or_be_framed()
    {
        using var answer = await host.Client.GetAsync("/");
        string policy = answer.Headers.GetValues("Content-Security-Policy").First();

        Assert.Contains("script-src 'self';", policy);
        Assert.Contains("frame-ancestors 'none'", policy);
        string page = await answer.Content.ReadAsStringAsync();
        Assert.DoesNotMatch("<script(?![^>]*src=)[^>]*>[^<]", page);
        Assert.DoesNotMatch("\\son[a-z]+=\"", page);
    }
}
