using System.Diagnostics;

namespace BatchViz.Bench.Soak;

/// <summary>
/// Tries a target on many inputs, one after the other on one thread. Each must be handled or refused in one sentence, in less than a
/// second, with no more memory taken in all than ten times its length and 1 MB. The first that is not ends the run.
/// </summary>
internal static class FuzzRun
{
    public const double MostSeconds = 1;
    public const int LongestSentence = 400;

    /// <summary>What a reading that does not end is given before it is called a hang.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Bytes that may be allocated over an input.</summary>
    public static long Allowed(int length) => 10L * length + (1 << 20);

    /// <param name="first">Index of the first input.</param>
    /// <param name="inputs">How many.</param>
    public static FuzzResult Run(FuzzTarget target, uint seed, long first, long inputs, CancellationToken stop = default)
    {
        var trial = new Trial(target, seed, first, first + inputs, stop);
        var thread = new Thread(trial.Work) { IsBackground = true, Name = "fuzz" };
        thread.Start();
        long seen = -1;
        while (!thread.Join(Patience))
        {
            // A thread cannot be ended from outside; as one of the background it ends with the process.
            if (seen == trial.Index)
                return trial.Result(trial.Fail(seen, "does not end"));
            seen = trial.Index;
        }
        stop.ThrowIfCancellationRequested();
        return trial.Result(trial.Failure);
    }

    private sealed class Trial(FuzzTarget target, uint seed, long first, long end, CancellationToken stop)
    {
        private readonly Stopwatch whole = Stopwatch.StartNew();
        private long index = first,
            refused,
            handled;
        private double slowest,
            mostAllocated;

        public long Index => Volatile.Read(ref index);

        public FuzzFailure? Failure { get; private set; }

        public FuzzFailure Fail(long at, string what) => new(seed, at, what, target.Input(seed, at));

        public FuzzResult Result(FuzzFailure? failure) =>
            new(refused + handled, refused, handled, slowest * 1e3, mostAllocated, whole.Elapsed.TotalSeconds, failure);

        public void Work()
        {
            for (; index < end && !stop.IsCancellationRequested; Volatile.Write(ref index, index + 1))
            {
                byte[] input = target.Input(seed, index);
                var once = Measured.Of(target, input);
                // What is compiled or laid out once for all, and a machine that was busy elsewhere, do not count: such a reading is
                // repeated.
                if (once.Seconds > MostSeconds / 10 || once.Allocated > Allowed(input.Length) / 2)
                    once = Measured.Of(target, input).Or(once);
                slowest = Math.Max(slowest, once.Seconds);
                mostAllocated = Math.Max(mostAllocated, once.Allocated / (double)Allowed(input.Length));
                if (Wrong(once, input.Length) is { } what)
                {
                    Failure = Fail(index, what);
                    return;
                }
                if (once.Thrown is null)
                    handled++;
                else
                    refused++;
            }
        }

        private string? Wrong(Measured once, int length)
        {
            if (once.Thrown is { } thrown)
            {
                if (!target.Refuses(thrown))
                    return $"ends with {thrown}";
                if (WrongIn(thrown.Message) is { } wrong)
                    return $"is refused with a message that {wrong}: {thrown.Message}";
            }
            if (once.Seconds > MostSeconds)
                return $"takes {once.Seconds:0.0} s";
            if (once.Allocated > Allowed(length))
                return $"of {length:#,0} bytes allocates {once.Allocated:#,0} bytes";
            return null;
        }
    }

    /// <summary>Why a refusal is no sentence for people; null when it is one.</summary>
    public static string? WrongIn(string sentence)
    {
        if (sentence.Any(c => char.IsControl(c) || c is '\u2028' or '\u2029'))
            return "has control characters";
        if (sentence.Length > LongestSentence)
            return $"has {sentence.Length:#,0} characters";
        return sentence.EndsWith('.') ? null : "does not end with a full stop";
    }

    /// <summary>One reading: seconds, bytes allocated, and what it threw.</summary>
    private readonly record struct Measured(double Seconds, long Allocated, Exception? Thrown)
    {
        public static Measured Of(FuzzTarget target, byte[] input)
        {
            Exception? thrown = null;
            long before = GC.GetAllocatedBytesForCurrentThread(),
                start = Stopwatch.GetTimestamp();
            try
            {
                target.Read(input);
            }
            catch (Exception e)
            {
                thrown = e;
            }
            return new(Stopwatch.GetElapsedTime(start).TotalSeconds, GC.GetAllocatedBytesForCurrentThread() - before, thrown);
        }

        public Measured Or(Measured other) =>
            this with
            {
                Seconds = Math.Min(Seconds, other.Seconds),
                Allocated = Math.Min(Allocated, other.Allocated),
            };
    }
}
