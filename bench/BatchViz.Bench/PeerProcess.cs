using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace BatchViz.Bench;

/// <summary>A script of bench/peers as a child process: one JSON request a line, one JSON answer a line.</summary>
internal sealed class PeerProcess : IDisposable
{
    /// <summary>Patience for an answer, beyond the time that was asked for.</summary>
    private const double Patience = 300;

    private readonly Process process;
    private string lastError = "";
    private PeerException? broken;

    private PeerProcess(Process process) => this.process = process;

    public string Name { get; private set; } = "";

    public int Threads { get; private set; }

    /// <summary>What makes the comparison unfair to the peer, in its own words; null when nothing does.</summary>
    public string? Warning { get; private set; }

    /// <summary>Starts a script and waits for its first line.</summary>
    /// <exception cref="PeerException">It does not start here.</exception>
    public static PeerProcess Start(string program, string script, int threads, CancellationToken stop)
    {
        var start = new ProcessStartInfo(program, [script])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            // Both read their number of threads once, when they start.
            Environment =
            {
                ["OMP_NUM_THREADS"] = $"{threads}",
                ["OPENBLAS_NUM_THREADS"] = $"{threads}",
                ["MKL_NUM_THREADS"] = $"{threads}",
            },
        };
        PeerProcess peer;
        try
        {
            peer = new PeerProcess(Process.Start(start)!);
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or IOException)
        {
            throw new PeerException($"{program} cannot be started: {e.Message}");
        }
        peer.process.ErrorDataReceived += (_, line) =>
            peer.lastError = string.IsNullOrWhiteSpace(line.Data) ? peer.lastError : line.Data.Trim();
        peer.process.BeginErrorReadLine();
        try
        {
            var hello = peer.Read(BenchContext.Default.PeerHello, 0, stop);
            (peer.Name, peer.Threads, peer.Warning) = (hello.Name, hello.Threads, hello.Warning);
            return peer;
        }
        catch
        {
            peer.Dispose();
            throw;
        }
    }

    /// <summary>The answer to a request that asks for some seconds of measuring.</summary>
    /// <exception cref="PeerException">It died, does not answer, or does not do this.</exception>
    public PeerAnswer Ask(PeerRequest request, double seconds, CancellationToken stop)
    {
        if (broken is not null)
            throw broken;
        try
        {
            process.StandardInput.WriteLine(BenchJson.Line(request with { Seconds = seconds }));
            process.StandardInput.Flush();
        }
        catch (IOException)
        {
            // It is gone; reading says why.
        }
        PeerAnswer answer;
        try
        {
            answer = Read(BenchContext.Default.PeerAnswer, seconds, stop);
        }
        catch (PeerException e)
        {
            broken = e;
            throw;
        }
        return answer.Error is { } refusal ? throw new PeerException(refusal, refused: true) : answer;
    }

    public void Dispose()
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has ended by itself.
        }
        process.Dispose();
    }

    private T Read<T>(JsonTypeInfo<T> type, double seconds, CancellationToken stop)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(TimeSpan.FromSeconds(Patience + seconds));
        string? line;
        try
        {
            line = process.StandardOutput.ReadLineAsync(patience.Token).AsTask().GetAwaiter().GetResult();
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new PeerException($"no answer within {Patience + seconds:0} s");
        }
        if (line is null)
        {
            process.WaitForExit();
            throw new PeerException(lastError.Length > 0 ? lastError : $"it ended with exit code {process.ExitCode}");
        }
        try
        {
            return JsonSerializer.Deserialize(line, type) ?? throw new PeerException($"it answered {line}");
        }
        catch (JsonException)
        {
            throw new PeerException($"it answered {line}");
        }
    }
}

/// <summary>A peer does not run here, or stopped running; the message is a phrase that says why.</summary>
/// <param name="refused">It does not do what was asked, and goes on.</param>
internal sealed class PeerException(string message, bool refused = false) : Exception(message)
{
    public bool Refused => refused;
}
