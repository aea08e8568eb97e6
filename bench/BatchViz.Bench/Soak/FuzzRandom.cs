using BatchViz.Core.Numerics;

namespace BatchViz.Bench.Soak;

/// <summary>The choices behind one input: a function of (seed, index), so that any input can be made again alone.</summary>
internal sealed class FuzzRandom(uint seed, long index)
{
    private readonly Philox stream = new(seed, Purpose.Fuzz, (ulong)index);
    private ulong at;

    /// <summary>Uniform in 0 … bound − 1.</summary>
    public int Below(int bound) => stream.Below(at++, bound);

    public uint Word() => stream.Block(at++).A;

    public double Uniform() => Word() / 4294967296.0;

    /// <summary>True once in <paramref name="times"/>.</summary>
    public bool Once(int times) => Below(times) == 0;

    public bool Maybe() => Once(2);

    public T Any<T>(params ReadOnlySpan<T> values) => values[Below(values.Length)];

    /// <summary>A length from 0 up: mostly a few, now and then thousands, rarely up to <paramref name="most"/>.</summary>
    public int Length(int most) =>
        Below(
            Math.Min(
                most,
                Below(1000) switch
                {
                    0 => most,
                    < 10 => 3_000,
                    < 100 => 100,
                    _ => 12,
                }
            ) + 1
        );
}
