using System.Runtime.ExceptionServices;

namespace BatchViz.Engine.Cpu;

/// <summary>
/// Shares numbered pieces of work between the calling thread and helpers of its own, which end before the call returns. Whoever takes
/// the next piece may differ from call to call, so a piece's result must not depend on its worker. On Linux a new thread inherits the
/// nice value of the one that starts it: a caller that yields to others has helpers that do.
/// </summary>
internal static class Workers
{
    /// <param name="threads">Threads in all, the caller's among them.</param>
    /// <param name="work">Given the worker, from 0 to threads − 1, and the piece, from 0 to pieces − 1.</param>
    /// <param name="cancel">Looked at between pieces, not before a worker's first: a caller that gives little time still gets on.</param>
    /// <exception cref="OperationCanceledException">Cancelled before the last piece was taken; pieces taken are done.</exception>
    public static void Share(int threads, int pieces, Action<int, int> work, CancellationToken cancel)
    {
        threads = Math.Clamp(threads, 1, Math.Max(1, pieces));
        var failures = new ExceptionDispatchInfo?[threads];
        int next = -1;
        var helpers = new List<Thread>(threads - 1);
        while (helpers.Count < threads - 1 && Start(helpers.Count + 1) is { } helper)
            helpers.Add(helper);
        Work(0);
        foreach (var helper in helpers)
            helper.Join();
        foreach (var failure in failures)
            failure?.Throw();

        Thread? Start(int worker)
        {
            var helper = new Thread(() => Work(worker)) { IsBackground = true, Name = $"grid helper {worker}" };
            try
            {
                helper.Start();
                return helper;
            }
            catch (OutOfMemoryException)
            {
                return null; // the system gives no more threads; those there are do the work
            }
        }

        void Work(int worker)
        {
            try
            {
                for (bool first = true; Interlocked.Increment(ref next) is var piece && (uint)piece < (uint)pieces; first = false)
                {
                    if (!first)
                        cancel.ThrowIfCancellationRequested();
                    work(worker, piece);
                }
            }
            catch (Exception e)
            {
                failures[worker] = ExceptionDispatchInfo.Capture(e);
                Interlocked.Exchange(ref next, pieces);
            }
        }
    }
}
