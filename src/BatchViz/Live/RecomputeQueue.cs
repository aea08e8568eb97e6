using System.Diagnostics;
using System.Globalization;
using BatchViz.Core;
using BatchViz.Core.Specs;
using BatchViz.Training;

namespace BatchViz.Live;

/// <summary>
/// Everything that people may have recomputed of an experiment. Owners' wishes are served on a thread that comes before the lanes; viewers'
/// on one beside them that, while the experiment trains, may take only a small share of the machine. The two wait for each other
/// nowhere. Whichever viewer has had least comes next; the same wish of several is computed once; what nobody waits for any more is
/// dropped.
/// </summary>
public sealed class RecomputeQueue : IDisposable
{
    /// <summary>Wishes of one viewer that may wait.</summary>
    public const int MostOfAViewer = 64;

    /// <summary>Wishes that may wait in all: of owners, of viewers.</summary>
    private const int MostOfOwners = 1024,
        MostOfViewers = 4096;

    private const long CacheBytes = 64L << 20;

    /// <summary>
    /// Viewers' wishes run beside the lanes, at the lanes' own nice value: what they take is limited by their budget, and behind two busy
    /// lanes the second that an occasional click may take would last ten.
    /// </summary>
    private const int OwnersNice = 5,
        ViewersNice = 10;

    /// <summary>Processor seconds a second and core that viewers' wishes may take while the experiment trains.</summary>
    private const double ViewersShare = 0.03;

    /// <summary>Processor seconds that they may take at once after a pause: about one gradient over all images of MNIST.</summary>
    private const double ViewersBurst = 1;

    /// <summary>How long an answer that is not final stands: whoever waits for it must get it before it is computed again.</summary>
    private static readonly TimeSpan Stands = TimeSpan.FromSeconds(2);

    private readonly TimeSpan abandonedAfter;
    private readonly Lock gate = new();
    private readonly Dictionary<object, Wish> wishes = [];
    private readonly AnswerCache answers = new(CacheBytes, Stands);
    private readonly FairShares shares = new();
    private readonly CancellationTokenSource stop = new();
    private readonly Desk owners,
        viewers;
    private readonly Replayer viewersReplayer;
    private readonly Timer sweep;
    private long asked;

    /// <param name="abandonedAfter">A wish that nobody has asked for in so long is dropped; by default 5 s, since pages ask several times a
    /// second.</param>
    public RecomputeQueue(Experiment experiment, TimeSpan? abandonedAfter = null)
    {
        this.abandonedAfter = abandonedAfter ?? TimeSpan.FromSeconds(5);
        viewersReplayer = experiment.CreateReplayer();
        var budget = new ProcessorBudget(
            new TokenBucket(ViewersShare * Environment.ProcessorCount, ViewersBurst),
            () => experiment.State == ExperimentState.Running
        );
        owners = new Desk("recomputing for owners", desk => Serve(desk, OwnersNice, experiment.Replayer, null));
        viewers = new Desk("recomputing for viewers", desk => Serve(desk, ViewersNice, viewersReplayer, budget));
        sweep = new Timer(_ => DropAbandoned(), null, this.abandonedAfter / 4, this.abandonedAfter / 4);
    }

    /// <summary>Has something recomputed unless it is known, and waits for it a while.</summary>
    /// <param name="patience">Who is told of progress instead may ask again; <see cref="Timeout.InfiniteTimeSpan"/> waits for the
    /// answer.</param>
    /// <param name="gone">The asker has left.</param>
    public async Task<RecomputedState> Ask(Recomputation what, Asker asker, TimeSpan patience, CancellationToken gone = default)
    {
        if (answers.Find(what.Key) is { } known)
            return new(known, 1, default, null);
        Wish? wish;
        lock (gate)
        {
            wish = Find(what, asker);
            if (wish is null)
                return Refused(Language.Tr("Too much is being recomputed; ask again in a moment.", "正在重新计算的内容过多，请稍后再试。"));
            wish.Waiting++;
        }
        using (var enough = CancellationTokenSource.CreateLinkedTokenSource(gone))
        {
            enough.CancelAfter(patience);
            await Task.WhenAny(wish.Answer.Task, Task.Delay(Timeout.Infinite, enough.Token));
            enough.Cancel();
        }
        lock (gate)
        {
            wish.Waiting--;
            if (!gone.IsCancellationRequested)
                wish.WantedUntil = Stopwatch.GetTimestamp() + (long)(abandonedAfter.TotalSeconds * Stopwatch.Frequency);
        }
        return wish.Answer.Task.IsCompleted ? await wish.Answer.Task : new(null, Volatile.Read(ref wish.Progress), wish.Cost, null);
    }

    public void Dispose()
    {
        sweep.Dispose();
        stop.Cancel();
        owners.Thread.Join();
        viewers.Thread.Join();
        lock (gate)
        {
            foreach (var wish in wishes.Values.ToArray())
                Drop(wish);
        }
        viewersReplayer.Dispose();
        stop.Dispose();
    }

    private static RecomputedState Refused(string sentence) => new(null, 0, default, sentence);

    /// <summary>
    /// The wish that is there already, or a new one; null where there are too many. An owner does not wait at the viewers' desk.
    /// </summary>
    private Wish? Find(Recomputation what, Asker asker)
    {
        if (stop.IsCancellationRequested)
            return null;
        var desk = asker.IsOwner ? owners : viewers;
        if (wishes.TryGetValue(what.Key, out var wish))
        {
            if (!asker.IsOwner || wish.Desk == owners)
                return wish;
            wish.Desk = owners;
            wish.Attempt?.Cancel();
            wish.Attempt = null;
        }
        else
        {
            var here = wishes.Values.Where(other => other.Desk == desk).ToArray();
            if (here.Length >= (asker.IsOwner ? MostOfOwners : MostOfViewers))
                return null;
            if (!asker.IsOwner && here.Count(other => other.Asker == asker) >= MostOfAViewer)
                return null;
            wish = new Wish(what, asker, desk, asked++);
            wishes.Add(what.Key, wish);
        }
        desk.News.Release();
        return wish;
    }

    private void Serve(Desk desk, int nice, Replayer replayer, ProcessorBudget? budget)
    {
        LaneClock.YieldToOthers(nice);
        while (true)
        {
            try
            {
                desk.News.Wait(stop.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            if (Next(desk) is not var (wish, attempt))
                continue;
            double before = LaneClock.Seconds;
            Try(wish, attempt, replayer, budget);
            if (desk != viewers)
                continue;
            lock (gate)
                shares.Charge(wish.Asker.Id, LaneClock.Seconds - before);
        }
    }

    private (Wish Wish, CancellationTokenSource Attempt)? Next(Desk desk)
    {
        lock (gate)
        {
            var waiting = wishes.Values.Where(wish => wish.Desk == desk && wish.Attempt is null);
            var wish = waiting.MinBy(wish => (shares.Of(wish.Asker.Id), wish.Number));
            if (wish is null)
                return null; // it has been dropped, or has gone to the other desk
            wish.Attempt = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
            return (wish, wish.Attempt);
        }
    }

    private void Try(Wish wish, CancellationTokenSource attempt, Replayer replayer, ProcessorBudget? budget)
    {
        // What is refused is refused in the asker's language.
        CultureInfo.CurrentUICulture = wish.Language;
        var cancel = attempt.Token;
        try
        {
            budget?.Pay(cancel);
            cancel.ThrowIfCancellationRequested();
            var answer = wish.What.Work(replayer, new Checkpoint(wish, budget, cancel), cancel);
            answers.Keep(wish.What.Key, answer);
            End(wish, attempt, () => wish.Answer.TrySetResult(new(answer, 1, default, null)));
        }
        catch (RefusedException e)
        {
            End(wish, attempt, () => wish.Answer.TrySetResult(Refused(e.Message)));
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            End(wish, attempt, () => wish.Answer.TrySetResult(Dropped));
        }
        catch (OutOfMemoryException)
        {
            End(
                wish,
                attempt,
                () =>
                    wish.Answer.TrySetResult(
                        Refused(Language.Tr("There is not enough memory to recompute this.", "内存不足，无法重新计算。"))
                    )
            );
        }
        catch (Exception e)
        {
            End(wish, attempt, () => wish.Answer.TrySetException(e));
        }
        finally
        {
            lock (gate)
                attempt.Dispose();
        }
    }

    private static RecomputedState Dropped =>
        Refused(Language.Tr("The recomputation was broken off; ask again.", "重新计算已中断，请再试一次。"));

    /// <summary>Of an attempt that has been replaced by another one nothing is told.</summary>
    private void End(Wish wish, CancellationTokenSource attempt, Action tell)
    {
        lock (gate)
        {
            if (wish.Attempt != attempt)
                return;
            wish.Attempt = null;
            Remove(wish);
            tell();
        }
    }

    private void DropAbandoned()
    {
        lock (gate)
        {
            foreach (var wish in wishes.Values.Where(wish => !wish.Wanted).ToArray())
                Drop(wish);
        }
    }

    private void Drop(Wish wish)
    {
        wish.Attempt?.Cancel();
        wish.Attempt = null;
        Remove(wish);
        wish.Answer.TrySetResult(Dropped);
    }

    private void Remove(Wish wish)
    {
        if (wishes.GetValueOrDefault(wish.What.Key) == wish)
            wishes.Remove(wish.What.Key);
    }

    /// <summary>Where wishes wait for one thread.</summary>
    private sealed class Desk
    {
        public readonly SemaphoreSlim News = new(0);
        public readonly Thread Thread;

        public Desk(string name, Action<Desk> serve)
        {
            Thread = new Thread(() => serve(this)) { IsBackground = true, Name = name };
            Thread.Start();
        }
    }

    private sealed class Wish(Recomputation what, Asker asker, Desk desk, long number)
    {
        public readonly Recomputation What = what;
        public readonly Asker Asker = asker;
        public readonly long Number = number;
        public readonly RecomputeCost Cost = what.Cost();
        public readonly CultureInfo Language = CultureInfo.CurrentUICulture;
        public readonly TaskCompletionSource<RecomputedState> Answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        public double Progress;

        // Guarded by the queue's gate.
        public Desk Desk = desk;

        /// <summary>Null while it waits.</summary>
        public CancellationTokenSource? Attempt;

        /// <summary>Requests that wait for the answer.</summary>
        public int Waiting;

        public long WantedUntil;

        public bool Wanted => Waiting > 0 || Stopwatch.GetTimestamp() < WantedUntil;
    }

    private sealed class Checkpoint(Wish wish, ProcessorBudget? budget, CancellationToken cancel) : IProgress<double>
    {
        public void Report(double value)
        {
            Volatile.Write(ref wish.Progress, value);
            budget?.Pay(cancel);
        }
    }
}
