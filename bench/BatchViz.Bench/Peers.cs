using BatchViz.Core.Specs;

namespace BatchViz.Bench;

/// <summary>The peers that run on this machine, and a sentence about each that does not.</summary>
internal sealed class Peers : IDisposable
{
    private readonly List<PeerProcess> torch = [],
        loops = [];
    private readonly List<string> missing = [];
    private readonly string device,
        precision;
    private readonly CancellationToken stop;

    private Peers(string device, string precision, CancellationToken stop) =>
        (this.device, this.precision, this.stop) = (device, precision, stop);

    public IReadOnlyList<string> Missing => missing;

    public IEnumerable<PeerProcess> Running => torch.Concat(loops);

    public static Peers None { get; } = new("cpu", "float32", CancellationToken.None);

    /// <summary>Starts PyTorch with one, two and all threads, and, where wanted, the per-example loop.</summary>
    public static Peers Start(bool loop, CancellationToken stop) => Start("cpu", "float32", [1, 2, Environment.ProcessorCount], loop, stop);

    /// <summary>Starts PyTorch once for each number of threads that there are cores for, to compute on a device.</summary>
    /// <param name="device">"cpu" or "cuda:N".</param>
    /// <param name="precision">Of updates: float32, tf32, bf16 or fp16.</param>
    public static Peers Start(string device, string precision, IEnumerable<int> threads, bool loop, CancellationToken stop)
    {
        var peers = new Peers(device, precision, stop);
        if (Folder() is not { } folder)
        {
            peers.missing.Add(
                $"No peers: there is no folder bench/peers above {Directory.GetCurrentDirectory()} or {AppContext.BaseDirectory}."
            );
            return peers;
        }
        try
        {
            foreach (int count in threads.Where(t => t <= Environment.ProcessorCount).Distinct())
            {
                if (!peers.Add(peers.torch, "PyTorch", ["/usr/bin/python3", "python3"], Path.Combine(folder, "torch_peer.py"), count))
                    break;
            }
            if (loop)
                peers.Add(peers.loops, "The per-example loop", ["node"], Path.Combine(folder, "playground.mjs"), 1);
        }
        catch
        {
            peers.Dispose();
            throw;
        }
        return peers;
    }

    /// <summary>Those who can make the updates of a cell.</summary>
    public IEnumerable<PeerContestant> Updates(BenchNet net, OptimizerKind optimizer, int batch, int seeds, int set)
    {
        PeerRequest Request(string? variant) =>
            Of("update", net) with
            {
                Optimizer = SpecVocabulary.Of(SpecVocabulary.Optimizers, optimizer),
                Batch = batch,
                Seeds = seeds,
                Set = set,
                Variant = variant,
            };

        // The peers have no optimiser that needs the whole gradient first.
        if (!new OptimizerSpec { Kind = optimizer }.WeightByWeight)
            yield break;
        // Batched by hand there are dense nets only, in float32.
        if (seeds > 1 && (net.Preset is not null || precision is "bf16" or "fp16"))
            yield break;
        foreach (string variant in seeds == 1 ? ["plain"] : new[] { "baddbmm", "vmap" })
        foreach (var one in torch)
            yield return new(one, Named("PyTorch", variant, one.Threads), Request(variant), Fail, stop);
        // One example after another takes too long to measure where there is much to do, and is never the fastest there.
        bool fits =
            seeds == 1
            && net.Preset is null
            && optimizer == OptimizerKind.Sgd
            && net.Activation != Activation.Gelu
            && net.Network.ParameterCount * batch <= 5_000_000;
        if (!fits)
            yield break;
        foreach (var one in loops)
            yield return new(one, "per-example loop", Request(null), Fail, stop);
    }

    /// <summary>Those who can compute a grid of losses by setting weights point by point.</summary>
    public IEnumerable<PeerContestant> Landscapes(BenchNet net, int examples, int grid)
    {
        foreach (var one in torch)
        {
            var request = Of("landscape", net) with { Examples = examples, Grid = grid };
            yield return new(one, Named("PyTorch", "plain", one.Threads), request, Fail, stop);
        }
    }

    /// <summary>Those who can compute one probe: gradient, hessianVectorProduct or exampleNorms.</summary>
    public IEnumerable<PeerContestant> Probes(BenchNet net, int examples, string probe)
    {
        // Its norms of examples' gradients are those of dense nets.
        if (net.Preset is not null && probe == "exampleNorms")
            yield break;
        foreach (var one in torch)
        {
            var request = Of("probe", net) with { Examples = examples, Variant = probe };
            yield return new(one, Named("PyTorch", "plain", one.Threads), request, Fail, stop);
        }
    }

    public void Dispose()
    {
        foreach (var one in Running)
            one.Dispose();
        torch.Clear();
        loops.Clear();
    }

    private void Fail(string sentence)
    {
        if (!missing.Contains(sentence))
            missing.Add(sentence);
    }

    private PeerRequest Of(string kind, BenchNet net) =>
        new()
        {
            Kind = kind,
            Sizes = [.. net.Sizes],
            Activation = SpecVocabulary.Of(SpecVocabulary.Activations, net.Activation),
            Loss = SpecVocabulary.Of(SpecVocabulary.Losses, net.Loss),
            Preset = net.Preset,
            Device = device,
            Precision = precision,
        };

    private string Named(string who, string variant, int threads) =>
        $"{who}{(variant == "plain" ? "" : " " + variant)}, {(device == "cpu" ? $"{threads} {(threads == 1 ? "thread" : "threads")}" : device)}{(precision == "float32" ? "" : " " + precision)}";

    /// <summary>Starts a script with the first program that can run it.</summary>
    private bool Add(List<PeerProcess> list, string what, string[] programs, string script, int threads)
    {
        string why = "";
        foreach (string program in programs)
        {
            try
            {
                var peer = PeerProcess.Start(program, script, threads, stop);
                list.Add(peer);
                if (peer.Warning is { } warning)
                    Fail(warning);
                return true;
            }
            catch (PeerException e)
            {
                why += $"{(why.Length > 0 ? "; " : "")}{program}: {e.Message.TrimEnd('.')}";
            }
        }
        missing.Add($"{what} does not run here ({why}).");
        return false;
    }

    /// <summary>The folder bench/peers above the current folder, or above the program.</summary>
    private static string? Folder()
    {
        foreach (string from in new[] { Directory.GetCurrentDirectory(), AppContext.BaseDirectory })
        {
            for (string? at = Path.GetFullPath(from); at is not null; at = Path.GetDirectoryName(at))
            {
                string folder = Path.Combine(at, "bench", "peers");
                if (File.Exists(Path.Combine(folder, "torch_peer.py")))
                    return folder;
            }
        }
        return null;
    }
}
