using System.Net;
using BatchViz.Core.Specs;

namespace BatchViz.Web;

/// <summary>Where to listen and whom to let in.</summary>
public sealed class ServeOptions
{
    private readonly HashSet<string> hosts = new(StringComparer.OrdinalIgnoreCase);
    private readonly bool anyHost;

    /// <param name="urls">Addresses separated by semicolons.</param>
    /// <exception cref="SpecException">An address is none, or is open to others without sign-in.</exception>
    public ServeOptions(string urls, bool signIn)
    {
        (Urls, SignIn) = (urls, signIn);
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

    /// <summary>Whether everyone needs a link; without, only this computer is served, and it is the owner.</summary>
    public bool SignIn { get; }

    /// <summary>Loopback answers only under loopback's names. Elsewhere a name is no secret and sign-in keeps the door.</summary>
    public bool AllowsHost(string host) => anyHost || hosts.Contains(host.Trim('[', ']'));

    private static bool IsLoopback(string host)
        => host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip));
}
