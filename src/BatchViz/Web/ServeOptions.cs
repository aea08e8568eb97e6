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
    /// <exception cref="SpecException">An address is none, or is open to others without sign-in.</exception>
    public ServeOptions(string urls, bool signIn, Uri? publicUrl = null)
    {
        (Urls, SignIn, PublicUrl) = (urls, signIn, publicUrl);
        foreach (string url in urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            BindingAddress address;
            try
            {
                address = BindingAddress.Parse(url);
            }
            catch (FormatException)
            {
                throw new SpecException($"\"--urls\" has {url}, which is no address such as http://localhost:5000.");
            }
            if (address.Scheme is not ("http" or "https")) throw new SpecException($"\"--urls\" has {url}; only http and https are served.");
            bool loopback = IsLoopback(address.Host);
            if (!loopback && !signIn)
                throw new SpecException($"\"--urls\" has {url}, which others can reach; add --sign-in, so that only people with a link get in.");
            hosts.Add(address.Host.Trim('[', ']'));
            if (loopback) hosts.UnionWith(["localhost", "127.0.0.1", "::1"]);
            anyHost |= !loopback;
        }
        if (hosts.Count == 0) throw new SpecException("\"--urls\" is empty; give an address such as http://localhost:5000.");
    }

    public string Urls { get; }

    public Uri? PublicUrl { get; }

    /// <exception cref="SpecException">It is no address.</exception>
    public static Uri? ParsePublic(string? url) => url is null ? null
        : Uri.TryCreate(url.TrimEnd('/') + "/", UriKind.Absolute, out var address) && address.Scheme is "http" or "https" ? address
        : throw new SpecException($"\"--public-url\" is {url}, which is no address such as https://batchviz.example.");

    /// <summary>Whether everyone needs a link; without, only this computer is served, and it is the owner.</summary>
    public bool SignIn { get; }

    /// <summary>Loopback answers only under loopback's names. Elsewhere a name is no secret and sign-in keeps the door.</summary>
    public bool AllowsHost(string host) => anyHost || hosts.Contains(host.Trim('[', ']'));

    internal static bool IsLoopback(string host)
        => host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip));
}
