using BatchViz.Core.Sampling;
using BatchViz.Core.Specs;

namespace BatchViz.Lab;

/// <summary>
/// Decides when a lane may advance, never what it computes. Lanes stay in step by examples (or updates) within a window, at most
/// a set number work at once, and the owner can hold them all or ask for single updates.
/// </summary>
internal sealed class Pacer
{
    private readonly Lock gate = new();
    private readonly AutoResetEvent[] wake;
    private readonly Pace pace;
    private readonly Progress[] progress;
    private readonly long[] updates;
    private readonly int[] singles;
    private readonly bool[] ended, working, waiting;
    private readonly long window;
    private int permits;
    private bool held, stopping;

    /// <param name="lanes">For each lane its bookkeeping.</param>
    /// <param name="window">How far a lane may be ahead of the slowest one, in the unit of the pace.</param>
    /// <param name="atOnce">Lanes that may work at the same time.</param>
    public Pacer(Pace pace, IReadOnlyList<Progress> lanes, long window, int atOnce, bool held)
    {
        (this.pace, this.window, permits, this.held) = (pace, window, atOnce, held);
        progress = [.. lanes];
        int n = progress.Length;
        (updates, singles, ended, working, waiting) = (new long[n], new int[n], new bool[n], new bool[n], new bool[n]);
        wake = [.. Enumerable.Range(0, n).Select(_ => new AutoResetEvent(false))];
    }

    public bool Held
    {
        get { lock (gate) return held; }
    }

    /// <summary>Waits until the lane may work. Returns how many updates it may make now, at most <paramref name="wanted"/>; 0 means stop.</summary>
    public int Enter(int lane, long wanted)
    {
        while (true)
        {
            lock (gate)
            {
                if (stopping) return 0;
                int granted = permits > 0 ? Allowed(lane, wanted) : 0;
                if (granted > 0)
                {
                    permits--;
                    working[lane] = true;
                    waiting[lane] = false;
                    return granted;
                }
                waiting[lane] = true;
            }
            wake[lane].WaitOne();
        }
    }

    /// <summary>The lane has made <paramref name="made"/> updates, and gives its place back.</summary>
    public void Exit(int lane, int made)
    {
        lock (gate)
        {
            if (working[lane]) permits++;
            working[lane] = false;
            updates[lane] += made;
            Wake();
        }
    }

    /// <summary>The lane makes no more updates; the others no longer wait for it.</summary>
    public void End(int lane)
    {
        lock (gate)
        {
            (ended[lane], waiting[lane]) = (true, false);
            Wake();
        }
    }

    public void Hold()
    {
        lock (gate) held = true;
    }

    public void Continue()
    {
        lock (gate)
        {
            held = false;
            Array.Clear(singles);
            Wake();
        }
    }

    /// <summary>While held: one more update for every lane that has not ended.</summary>
    public void Single()
    {
        lock (gate)
        {
            if (!held) return;
            for (int l = 0; l < singles.Length; l++) singles[l]++;
            Wake();
        }
    }

    public void Stop()
    {
        lock (gate)
        {
            stopping = true;
            foreach (var e in wake) e.Set();
        }
    }

    /// <summary>Wakes those who may work, the ones furthest behind first; the kernel's scheduler decides nothing about order.</summary>
    private void Wake()
    {
        int free = permits;
        while (free > 0)
        {
            int next = -1;
            for (int l = 0; l < waiting.Length; l++)
                if (waiting[l] && Allowed(l, 1, peek: true) > 0 && (next < 0 || Position(l) < Position(next))) next = l;
            if (next < 0) return;
            waiting[next] = false;
            free--;
            wake[next].Set();
        }
    }

    private int Allowed(int lane, long wanted, bool peek = false)
    {
        if (held)
        {
            if (singles[lane] == 0) return 0;
            if (!peek) singles[lane]--;
            return 1;
        }
        long slowest = long.MaxValue;
        for (int l = 0; l < updates.Length; l++)
            if (!ended[l]) slowest = Math.Min(slowest, Position(l));
        long limit = slowest + window;
        // The slowest may always make one update, however large its batch is beside the window.
        long allowed = pace == Pace.Updates ? limit - updates[lane] : progress[lane].UpdatesWithin(limit) - updates[lane];
        if (allowed < 1 && Position(lane) == slowest) allowed = 1;
        return (int)Math.Clamp(allowed, 0, Math.Min(wanted, int.MaxValue));
    }

    private long Position(int lane) => pace == Pace.Updates ? updates[lane] : progress[lane].ExamplesAfter(updates[lane]);
}
