using System.Net;
using System.Net.Sockets;

namespace BatchViz.Tests;

/// <summary><c>batchviz serve</c> where it cannot listen.</summary>
public sealed class ServeCommandTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("batchviz-test-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_used_port_is_one_sentence_and_leaves_no_recording()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        string file = Path.Combine(folder, "moons.json"),
            recordings = Path.Combine(folder, "recordings");
        await File.WriteAllTextAsync(file, SomeHost.Moons);
        string url = $"http://127.0.0.1:{((IPEndPoint)taken.LocalEndpoint).Port}";

        var (code, output, error) = await BuiltProgram.Run(null, "serve", "--urls", url, "--experiment", file, "--recordings", recordings);

        Assert.Equal(
            (1, "", $"{url} cannot be listened on: Address already in use. Choose another address with --urls."),
            (code, output, error.Trim())
        );
        Assert.Empty(Directory.Exists(recordings) ? Directory.GetFileSystemEntries(recordings) : []);
    }
}
