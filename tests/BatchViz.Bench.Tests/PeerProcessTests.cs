using BatchViz.Bench;

namespace BatchViz.Bench.Tests;

/// <summary>What becomes of a benchmark's peer that does not do a request. The peer is a script of its own, which Node runs.</summary>
public sealed class PeerProcessTests : IDisposable
{
    private const string Script = """
        console.log(JSON.stringify({ name: "a peer", threads: 1 }));
        require("node:readline").createInterface({ input: process.stdin }).on("line", line => {
          const request = JSON.parse(line);
          if (request.batch === 3) process.exit(4);
          console.log(JSON.stringify(request.batch === 1 ? { error: "needs more than one example." } : { microseconds: 5 }));
        });
        """;

    private readonly string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.cjs");

    public PeerProcessTests() => File.WriteAllText(path, Script);

    public void Dispose() => File.Delete(path);

    [Fact]
    public void A_request_that_a_peer_does_not_do_is_named_and_the_next_one_is_measured()
    {
        using var peer = PeerProcess.Start("node", path, 1, CancellationToken.None);
        var sentences = new List<string>();

        Assert.True(double.IsNaN(Of(1).Round(0.01)));
        Assert.Equal(5e-6, Of(2).Round(0.01), 1e-12);
        Assert.Equal(["a peer does not do 784-128-10, B = 1 (needs more than one example)."], sentences);

        PeerContestant Of(int batch) => Contestant(peer, batch, sentences);
    }

    [Fact]
    public void A_peer_that_has_ended_is_not_asked_again()
    {
        using var peer = PeerProcess.Start("node", path, 1, CancellationToken.None);
        var sentences = new List<string>();

        Assert.True(double.IsNaN(Contestant(peer, 3, sentences).Round(0.01)));
        Assert.True(double.IsNaN(Contestant(peer, 2, sentences).Round(0.01)));
        Assert.Equal(2, sentences.Count);
        Assert.All(sentences, sentence => Assert.Equal("a peer stopped working (it ended with exit code 4).", sentence));
    }

    private static PeerContestant Contestant(PeerProcess peer, int batch, List<string> sentences) =>
        new(peer, peer.Name, new PeerRequest { Sizes = [784, 128, 10], Batch = batch }, sentences.Add, CancellationToken.None);
}
