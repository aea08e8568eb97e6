using System.Globalization;
using System.Threading.Channels;
using BatchViz.Lab;

namespace BatchViz.Live;

/// <summary>Recomputing for people who look: one thing after another on a thread of its own, behind the server and before the lanes, and nobody's request waits in the thread pool.</summary>
public sealed class Replays : IDisposable
{
    /// <summary>Wishes that wait; more are refused, since whoever asked has long scrolled on.</summary>
    private const int MostWaiting = 256;

    private readonly Channel<Action> queue = Channel.CreateBounded<Action>(MostWaiting);
    private readonly CancellationTokenSource stop = new();
    private readonly Thread thread;

    public Replays()
    {
        thread = new Thread(Work) { IsBackground = true, Name = "replays" };
        thread.Start();
    }

    /// <exception cref="OperationCanceledException">Too many are waiting, the asker has gone, or the experiment has.</exception>
    public Task<T> Ask<T>(Func<IProgress<double>, CancellationToken, T> work, CancellationToken cancel, IProgress<double>? progress = null)
    {
        // What is refused is refused in the asker's language.
        var language = CultureInfo.CurrentUICulture;
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        bool taken = queue.Writer.TryWrite(() =>
        {
            CultureInfo.CurrentUICulture = language;
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, stop.Token);
            try
            {
                either.Token.ThrowIfCancellationRequested();
                answer.SetResult(work(progress ?? Nowhere.Instance, either.Token));
            }
            catch (OperationCanceledException)
            {
                answer.TrySetCanceled();
            }
            catch (Exception e)
            {
                answer.TrySetException(e);
            }
        });
        if (!taken) answer.SetCanceled(CancellationToken.None);
        return answer.Task;
    }

    public void Dispose()
    {
        queue.Writer.TryComplete();
        stop.Cancel();
        thread.Join();
        stop.Dispose();
    }

    private void Work()
    {
        LaneClock.YieldToOthers(nice: 5);
        while (queue.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
            while (queue.Reader.TryRead(out var work)) work();
    }

    private sealed class Nowhere : IProgress<double>
    {
        public static readonly Nowhere Instance = new();

        public void Report(double value)
        {
        }
    }
}
