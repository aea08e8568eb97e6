using System.Net;
using BatchViz.Components.Share;

namespace BatchViz.Tests.Components;

public class ShareAddressTests
{
    [Theory]
    [InlineData("http://localhost:5000/", "http://127.0.0.1:5000", "http://localhost:5000/", false)]
    [InlineData("http://localhost:5000/", "http://0.0.0.0:5000", "http://192.0.2.7:5000/", true)]
    [InlineData("http://127.0.0.1:8080/", "http://[::]:8080", "http://192.0.2.7:8080/", true)]
    [InlineData("http://localhost:5000/", "http://lab.example:5000", "http://lab.example:5000/", true)]
    [InlineData("http://lab.example/", "http://[::]:5000", "http://lab.example/", true)]
    public void A_link_for_others_has_an_address_that_others_reach(string opened, string listening, string address, bool others) =>
        Assert.Equal(new ShareAddress(address, others), ShareAddress.Of(new Uri(opened), [listening], [IPAddress.Parse("192.0.2.7")]));

    [Fact]
    public void A_machine_without_a_network_shares_with_nobody() =>
        Assert.False(ShareAddress.Of(new Uri("http://localhost:5000/"), ["http://0.0.0.0:5000"], []).Others);

    /// <summary>The three corner squares of a QR code, four modules from its edge, are what a camera looks for.</summary>
    [Fact]
    public void A_QR_code_has_its_quiet_zone_and_corner_squares()
    {
        var qr = QrPath.Of("http://192.0.2.7:5000/join/" + new string('a', 64));
        var dark = qr.Path.Split('M', StringSplitOptions.RemoveEmptyEntries).Select(module => module[..module.IndexOf('h')]).ToHashSet();

        int last = qr.Size - 5;
        foreach (var (x, y) in new[] { (4, 4), (last - 6, 4), (4, last - 6) })
            for (int i = 0; i < 7; i++)
                Assert.Contains($"{x + i} {y}", dark);
        Assert.DoesNotContain(dark, module => module.Split(' ').Any(at => int.Parse(at) < 4 || int.Parse(at) > last));
    }
}
