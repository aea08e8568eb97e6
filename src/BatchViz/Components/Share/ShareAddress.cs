using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using BatchViz.Web;

namespace BatchViz.Components.Share;

/// <summary>Under which address others find this server.</summary>
/// <param name="Base">With a slash at its end.</param>
/// <param name="Others">Whether other computers reach it.</param>
public sealed record ShareAddress(string Base, bool Others)
{
    /// <param name="opened">The address under which the owner has opened the page.</param>
    /// <param name="listening">The addresses on which the server listens.</param>
    /// <param name="own">This machine's own addresses, for an owner who came by localhost.</param>
    public static ShareAddress Of(Uri opened, IEnumerable<string> listening, IEnumerable<IPAddress> own)
    {
        if (!opened.IsLoopback)
            return new ShareAddress(opened.ToString(), true);
        var open = listening.Select(BindingAddress.Parse).FirstOrDefault(address => !ServeOptions.IsLoopback(address.Host));
        if (open is null)
            return new ShareAddress(opened.ToString(), false);
        string? host = open.Host is "0.0.0.0" or "[::]" or "*" or "+" ? own.FirstOrDefault()?.ToString() : open.Host;
        return host is null ? new ShareAddress(opened.ToString(), false) : new ShareAddress($"{open.Scheme}://{host}:{open.Port}/", true);
    }

    /// <summary>IPv4 addresses of this machine that are not loopback.</summary>
    public static IEnumerable<IPAddress> OwnAddresses() =>
        NetworkInterface
            .GetAllNetworkInterfaces()
            .Where(card => card.OperationalStatus == OperationalStatus.Up && card.NetworkInterfaceType != NetworkInterfaceType.Loopback)
            .SelectMany(card => card.GetIPProperties().UnicastAddresses)
            .Select(address => address.Address)
            .Where(address => address.AddressFamily == AddressFamily.InterNetwork);
}
