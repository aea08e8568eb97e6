using BatchViz.Core.Specs;

namespace BatchViz.Bench.Soak;

/// <summary>
/// Something that reads foreign bytes, with what is needed to try it: valid inputs, inputs wrong in the format's own terms, and the
/// reading.
/// </summary>
internal abstract class FuzzTarget : IDisposable
{
    /// <summary>An input that is good, or nearly; bytes are changed in it.</summary>
    public abstract byte[] Valid(FuzzRandom random);

    /// <summary>An input made with the format in mind: consistent here, inconsistent there.</summary>
    public abstract byte[] Structured(FuzzRandom random);

    /// <summary>
    /// Reads an input. Returning is handling it; <see cref="Refuses"/> says which exceptions refuse it; any other exception is a defect.
    /// </summary>
    public abstract void Read(byte[] input);

    public virtual bool Refuses(Exception e) => e is RefusedException;

    public virtual void Dispose() { }

    /// <summary>The input of an index: of even ones structured, of odd ones a valid input with bytes changed.</summary>
    public byte[] Input(uint seed, long index)
    {
        var random = new FuzzRandom(seed, index);
        return index % 2 == 0 ? Structured(random) : ByteChanges.Make(Valid(random), random);
    }
}
