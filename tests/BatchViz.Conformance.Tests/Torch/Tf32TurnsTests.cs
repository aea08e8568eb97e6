using BatchViz.Engine.Torch;

namespace BatchViz.Conformance.Tests.Torch;

public sealed class Tf32TurnsTests
{
    /// <summary>Two engines with and two without TF32, each calling without a pause: the switch stands as each of them wants it for all
    /// of a call, and each comes to its turn.</summary>
    [Fact]
    public void Calls_of_both_kinds_take_turns_and_none_waits_for_ever()
    {
        const int Calls = 500;
        bool stands = false;
        int inside = 0,
            wrong = 0;
        var turns = new Tf32Turns(on =>
        {
            if (Volatile.Read(ref inside) > 0)
                Interlocked.Increment(ref wrong);
            Volatile.Write(ref stands, on);
        });
        var threads = Enumerable
            .Range(0, 4)
            .Select(i => new Thread(() =>
            {
                bool mine = i % 2 == 1;
                for (int call = 0; call < Calls; call++)
                {
                    using var turn = turns.Take(mine);
                    Interlocked.Increment(ref inside);
                    // A call within the call.
                    using (turns.Take(mine))
                        Thread.Yield();
                    if (Volatile.Read(ref stands) != mine)
                        Interlocked.Increment(ref wrong);
                    Interlocked.Decrement(ref inside);
                }
            }))
            .ToArray();
        foreach (var thread in threads)
            thread.Start();
        Assert.All(threads, thread => Assert.True(thread.Join(TimeSpan.FromMinutes(2))));
        Assert.Equal((0, 0), (wrong, inside));
    }
}
