using BatchViz.Core.Sampling;
using BatchViz.Core.Specs;

namespace BatchViz.Training;

/// <summary>
/// Decides when a lane may advance, never what it computes. Lanes stay in step by examples (or updates) within a window, at most
/// a set number work at once, and the owner can hold them all or ask for single updates.
/// </summary>
internal sealed class Pacer
{
    private readonly Lock gate = new();
    private readonly Pace pace;
    private readonly long window;
    private Place[] places = [];
    private int permits;
    private bool held,
        stopping;

    /// <param name="lanes">For each lane its bookkeeping.</param>
    /// <param name="window">How far a lane may be ahead of the slowest one, in the unit of the pace.</param>
    /// <param name="atOnce">Lanes that may work at the same time.</param>
    public Pacer(Pace pace, IReadOnlyList<TrainingProgress> lanes, long window, int atOnce, bool held)
    {
        (this.pace, this.window, permits, this.held) = (pace, window, atOnce, held);
        foreach (var lane in lanes)
            Add(lane, free: false);
    }

    /// <summary>A lane's place in the queue.</summary>
    private sealed class Place(TrainingProgress progress, bool free)
    {
        public readonly AutoResetEvent Wake = new(false);
        public readonly TrainingProgress Progress = progress;

        /// <summary>It keeps no step with the others.</summary>
        public readonly bool Free = free;

        public long Updates;
        public int Singles;
        public bool Ended,
            Working,
            Waiting,
            Withheld;
    }

    /// <summary>One more lane; returns its number.</summary>
    /// <param name="free">It neither waits for the others nor do they for it: a fork, which begins where they were long ago.</param>
    public int Add(TrainingProgress progress, bool free)
    {
        lock (gate)
        {
            // Whoever comes after the end of all others begins something new.
            if (places.Length > 0 && places.All(place => place.Ended))
                stopping = false;
            places = [.. places, new Place(progress, free)];
            return places.Length - 1;
        }
    }

    /// <summary>The lane begins after so many updates.</summary>
    public void StartAt(int lane, long made)
    {
        lock (gate)
        {
            places[lane].Updates = made;
            Wake();
        }
    }

    public bool Held
    {
        get
        {
            lock (gate)
                return held;
        }
    }

    /// <summary>Held, and the updates under way or asked for one by one have been made: nothing more comes until someone asks.</summary>
    public bool Still
    {
        get
        {
            lock (gate)
                return held && places.All(place => !place.Working && (place.Singles == 0 || place.Ended));
        }
    }

    /// <summary>
    /// Waits until the lane may work. Returns how many updates it may make now, at most <paramref name="wanted"/>; 0 means stop.
    /// </summary>
    public int Enter(int lane, long wanted)
    {
        var place = places[lane];
        while (true)
        {
            lock (gate)
            {
                if (stopping)
                    return 0;
                int granted = permits > 0 ? Allowed(place, wanted) : 0;
                if (granted > 0)
                {
                    permits--;
                    place.Working = true;
                    place.Waiting = false;
                    return granted;
                }
                place.Waiting = true;
            }
            place.Wake.WaitOne();
        }
    }

    /// <summary>The lane has made <paramref name="made"/> updates, and gives its place back.</summary>
    public void Exit(int lane, int made)
    {
        lock (gate)
        {
            if (places[lane].Working)
                permits++;
            places[lane].Working = false;
            places[lane].Updates += made;
            Wake();
        }
    }

    /// <summary>The lane makes no more updates; the others no longer wait for it.</summary>
    public void End(int lane)
    {
        lock (gate)
        {
            (places[lane].Ended, places[lane].Waiting) = (true, false);
            Wake();
        }
    }

    public void Hold()
    {
        lock (gate)
            held = true;
    }

    public void Continue()
    {
        lock (gate)
        {
            held = false;
            foreach (var place in places)
                place.Singles = 0;
            Wake();
        }
    }

    /// <summary>One lane waits, whatever the others do, until it is let go or all are to stop.</summary>
    public void Withhold(int lane, bool on)
    {
        lock (gate)
        {
            (places[lane].Withheld, places[lane].Singles) = (on, 0);
            Wake();
        }
    }

    /// <summary>While held: one more update for every lane that has not ended.</summary>
    public void Single()
    {
        lock (gate)
        {
            if (!held)
                return;
            foreach (var place in places)
                if (!place.Withheld)
                    place.Singles++;
            Wake();
        }
    }

    public void Stop()
    {
        lock (gate)
        {
            stopping = true;
            foreach (var place in places)
                place.Wake.Set();
        }
    }

    /// <summary>Wakes those who may work, the ones furthest behind first; the kernel's scheduler decides nothing about order.</summary>
    private void Wake()
    {
        int free = permits;
        while (free > 0)
        {
            Place? next = null;
            foreach (var place in places)
                if (place.Waiting && Allowed(place, 1, peek: true) > 0 && (next is null || Position(place) < Position(next)))
                    next = place;
            if (next is null)
                return;
            next.Waiting = false;
            free--;
            next.Wake.Set();
        }
    }

    private int Allowed(Place place, long wanted, bool peek = false)
    {
        if (place.Withheld)
            return 0;
        if (held)
        {
            if (place.Singles == 0)
                return 0;
            if (!peek)
                place.Singles--;
            return 1;
        }
        if (place.Free)
            return (int)Math.Min(wanted, int.MaxValue);
        long slowest = long.MaxValue;
        foreach (var other in places)
            if (!other.Ended && !other.Free)
                slowest = Math.Min(slowest, Position(other));
        long limit = slowest + window;
        // The slowest may always make one update, however large its batch is beside the window.
        long allowed = pace == Pace.Updates ? limit - place.Updates : place.Progress.UpdatesWithin(limit) - place.Updates;
        if (allowed < 1 && Position(place) == slowest)
            allowed = 1;
        return (int)Math.Clamp(allowed, 0, Math.Min(wanted, int.MaxValue));
    }

    private long Position(Place place) => pace == Pace.Updates ? place.Updates : place.Progress.ExamplesAfter(place.Updates);
}
