using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace BatchViz.Cli.Bench;

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
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
            // Both read their number of threads once, when they start.
            Environment = { ["OMP_NUM_THREADS"] = $"{threads}", ["OPENBLAS_NUM_THREADS"] = $"{threads}", ["MKL_NUM_THREADS"] = $"{threads}" },
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
        peer.process.ErrorDataReceived += (_, line) => peer.lastError = string.IsNullOrWhiteSpace(line.Data) ? peer.lastError : line.Data.Trim();
        peer.process.BeginErrorReadLine();
        try
        {
            var hello = peer.Read(0, stop);
            (peer.Name, peer.Threads, peer.Warning) = ((string)hello["name"]!, (int)hello["threads"]!, (string?)hello["warning"]);
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
    public JsonObject Ask(JsonObject request, double seconds, CancellationToken stop)
    {
        if (broken is not null) throw broken;
        request["seconds"] = seconds;
        try
        {
            process.StandardInput.WriteLine(request.ToJsonString());
            process.StandardInput.Flush();
        }
        catch (IOException)
        {
            // It is gone; reading says why.
        }
        JsonObject answer;
        try
        {
            answer = Read(seconds, stop);
        }
        catch (PeerException e)
        {
            broken = e;
            throw;
        }
        return (string?)answer["error"] is { } refusal ? throw new PeerException(refusal, refused: true) : answer;
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

    private JsonObject Read(double seconds, CancellationToken stop)
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
            return JsonNode.Parse(line) as JsonObject ?? throw new PeerException($"it answered {line}");
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
