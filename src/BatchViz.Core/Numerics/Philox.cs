using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace BatchViz.Core.Numerics;

/// <summary>
/// What a random stream is for. Streams of different purposes are independent, so a probe cannot disturb a run. Numbers are part of the
/// results: never renumber.
/// </summary>
public enum Purpose : uint
{
    Data = 1,
    DataSplit = 2,
    InitialWeights = 3,
    Shuffle = 4,
    Draw = 5,
    EvaluationSet = 6,
    PlaneDirection = 7,
    RandomWalk = 8,
    LanczosStart = 11,
    TraceSigns = 12,
    SharpnessTies = 13,
    Dropout = 14,
    Augmentation = 20,
    Fuzz = 100,
}

/// <summary>
/// Counter-based randomness: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"). A number is a
/// pure function of (seed, purpose, step, index); there is no state to share, lose or race for.
/// </summary>
public readonly struct Philox(uint seed, Purpose purpose, ulong step = 0)
{
    private const uint M0 = 0xD2511F53,
        M1 = 0xCD9E8D57,
        W0 = 0x9E3779B9,
        W1 = 0xBB67AE85;

    /// <summary>Four independent 32-bit words at <paramref name="index"/>.</summary>
    public (uint A, uint B, uint C, uint D) Block(ulong index) =>
        Rounds((uint)index, (uint)(index >> 32), (uint)step, (uint)(step >> 32), seed, (uint)purpose);

    /// <summary>The <paramref name="index"/>-th 32-bit word of this stream.</summary>
    public uint Word(ulong index)
    {
        var (a, b, c, d) = Block(index >> 2);
        return (index & 3) switch
        {
            0 => a,
            1 => b,
            2 => c,
            _ => d,
        };
    }

    /// <summary>Uniform in [0, 1) with 32 bits, exactly representable.</summary>
    public double Uniform(ulong index) => Word(index) * (1.0 / 4294967296.0);

    /// <summary>Uniform in 0 … bound − 1, unbiased to 2⁻³² (Lemire's multiply-shift on 64 bits).</summary>
    public int Below(ulong index, int bound)
    {
        var (a, b, _, _) = Block(index);
        return BelowOf(((ulong)a << 32) | b, bound);
    }

    /// <summary>
    /// The first 64 bits, (A, B), of the blocks from <paramref name="first"/> on: what <see cref="Below"/> draws from, several at a time.
    /// </summary>
    public void Words(ulong first, Span<ulong> words)
    {
        int i = 0;
        if (Avx2.IsSupported)
        {
            var four = Vector256.Create(0ul, 1, 2, 3);
            for (; i + 8 <= words.Length; i += 8)
            {
                var low = Vector256.Create(first + (ulong)i) + four;
                var (one, two) = EightRounds(low, low + Vector256.Create(4ul));
                one.CopyTo(words[i..]);
                two.CopyTo(words[(i + 4)..]);
            }
        }
        for (; i < words.Length; i++)
        {
            var (a, b, _, _) = Block(first + (ulong)i);
            words[i] = ((ulong)a << 32) | b;
        }
    }

    /// <summary>What a word of <see cref="Words"/> makes of 0 … bound − 1; see <see cref="Below"/>.</summary>
    public static int BelowOf(ulong word, int bound) => (int)Math.BigMul(word, (ulong)bound, out _);

    /// <summary>
    /// Standard normal by Box and Muller, from block <paramref name="index"/>. Uses the platform's log and cos only through doubles rounded
    /// to 2⁻⁴⁰.
    /// </summary>
    public double Gaussian(ulong index)
    {
        var (a, b, c, d) = Block(index);
        double u = ((((ulong)a << 21) | (b >> 11)) + 1) * (1.0 / 9007199254740993.0);
        double v = (((ulong)c << 21) | (d >> 11)) * (1.0 / 9007199254740992.0);
        double value = Math.Sqrt(-2 * Math.Log(u)) * Math.Cos(2 * Math.PI * v);
        // The platform's log and cos may differ in their last bits between systems; rounding hides all but a vanishing share of that.
        return Math.Round(value * 1099511627776.0) / 1099511627776.0;
    }

    /// <summary>
    /// Twice four blocks, a 32-bit word in each 64-bit lane, side by side because each round waits for the one before; the upper halves
    /// of the lanes may hold anything until the end.
    /// </summary>
    private (Vector256<ulong> One, Vector256<ulong> Two) EightRounds(Vector256<ulong> one, Vector256<ulong> two)
    {
        var (a0, a1, a2, a3) = (one, one >> 32, Vector256.Create((ulong)(uint)step), Vector256.Create(step >> 32));
        var (b0, b1, b2, b3) = (two, two >> 32, a2, a3);
        var m0 = Vector256.Create((ulong)M0).AsUInt32();
        var m1 = Vector256.Create((ulong)M1).AsUInt32();
        var k0 = Vector256.Create((ulong)seed);
        var k1 = Vector256.Create((ulong)(uint)purpose);
        for (int round = 0; round < 10; round++)
        {
            var (p0, p1) = (Avx2.Multiply(a0.AsUInt32(), m0), Avx2.Multiply(a2.AsUInt32(), m1));
            var (q0, q1) = (Avx2.Multiply(b0.AsUInt32(), m0), Avx2.Multiply(b2.AsUInt32(), m1));
            (a0, a1, a2, a3) = ((p1 >> 32) ^ a1 ^ k0, p1, (p0 >> 32) ^ a3 ^ k1, p0);
            (b0, b1, b2, b3) = ((q1 >> 32) ^ b1 ^ k0, q1, (q0 >> 32) ^ b3 ^ k1, q0);
            k0 += Vector256.Create((ulong)W0);
            k1 += Vector256.Create((ulong)W1);
        }
        var low = Vector256.Create((ulong)uint.MaxValue);
        return ((a0 << 32) | (a1 & low), (b0 << 32) | (b1 & low));
    }

    internal static (uint A, uint B, uint C, uint D) Rounds(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1)
    {
        for (int round = 0; round < 10; round++)
        {
            ulong p0 = (ulong)M0 * c0,
                p1 = (ulong)M1 * c2;
            (c0, c1, c2, c3) = ((uint)(p1 >> 32) ^ c1 ^ k0, (uint)p1, (uint)(p0 >> 32) ^ c3 ^ k1, (uint)p0);
            k0 += W0;
            k1 += W1;
        }
        return (c0, c1, c2, c3);
    }
}
