using System.Net;
using BatchViz.Core.Specs;

namespace BatchViz.Web;

/// <summary>Where to listen and whom to let in.</summary>
public sealed class ServeOptions
{
    private readonly HashSet<string> hosts = new(StringComparer.OrdinalIgnoreCase);
    private readonly bool anyHost;

    /// <param name="urls">Addresses separated by semicolons.</param>
    /// <param name="publicUrl">Where others reach this server, when that is not where it listens; null: unknown.</param>
    /// <exception cref="RefusedException">An address is none, or is open to others without sign-in.</exception>
    public ServeOptions(string urls, bool signIn, Uri? publicUrl = null)
    {
        (Urls, PublicUrl) = (urls, publicUrl);
        // Whoever comes under that address may come from anywhere: through a proxy on this computer, for one.
        SignIn = signIn || publicUrl is { IsLoopback: false };
        foreach (string url in urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            BindingAddress address;
            try
            {
                address = BindingAddress.Parse(url);
            }
            catch (FormatException)
            {
                throw new RefusedException($"\"--urls\" has {url}, which is no address such as http://localhost:5000.");
            }
            bool isName = !address.Host.Contains(':') || address.Host.StartsWith('[') || address.IsUnixPipe;
            if (!isName || address.Port is < 0 or > IPEndPoint.MaxPort)
                throw new RefusedException($"\"--urls\" has {url}, whose port is no number from 0 to {IPEndPoint.MaxPort}.");
            if (address.Scheme is not ("http" or "https"))
                throw new RefusedException($"\"--urls\" has {url}; only http and https are served.");
            bool loopback = IsLoopback(address.Host);
            if (!loopback && !signIn)
                throw new RefusedException(
                    $"\"--urls\" has {url}, which others can reach; add --sign-in, so that only people with a link get in."
                );
            hosts.Add(address.Host.Trim('[', ']'));
            if (loopback)
                hosts.UnionWith(["localhost", "127.0.0.1", "::1"]);
            anyHost |= !loopback;
        }
        if (hosts.Count == 0)
            throw new RefusedException("\"--urls\" is empty; give an address such as http://localhost:5000.");
        if (publicUrl is not null)
            hosts.Add(publicUrl.Host.Trim('[', ']'));
    }

    public string Urls { get; }

    public Uri? PublicUrl { get; }

    /// <exception cref="RefusedException">It is no address.</exception>
    public static Uri? ParsePublic(string? url) =>
        url is null ? null
        : Uri.TryCreate(url.TrimEnd('/') + "/", UriKind.Absolute, out var address) && address.Scheme is "http" or "https" ? address
        : throw new RefusedException($"\"--public-url\" is {url}, which is no address such as https://batchviz.example.");

    /// <summary>
    /// Whether everyone needs a link; without, only this computer is served, and it is the owner. An address that others use asks for it,
    /// too.
    /// </summary>
    public bool SignIn { get; }

    /// <summary>Connections on which nothing is said for so long are closed.</summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Loopback answers only under loopback's names, and that of <see cref="PublicUrl"/>. Elsewhere a name is no secret and sign-in keeps
    /// the door.
    /// </summary>
    public bool AllowsHost(string host) => anyHost || hosts.Contains(host.Trim('[', ']'));

    internal static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip));
}
