using System.Buffers.Binary;
using BatchViz.Core.Specs;

namespace BatchViz.Core.Data;

/// <summary>IDX, MNIST's own format: 0 0 type rank, then rank big-endian 32-bit sizes, then the values. Only unsigned bytes (type 8) are used.</summary>
public static class Idx
{
    /// <summary>Unsigned bytes [Count × Inputs], and of images how many rows and columns each has.</summary>
    public readonly record struct Content(int Count, int Inputs, byte[] Bytes, (int Rows, int Columns)? Image);

    /// <exception cref="SpecException">The magic number is wrong or the file is cut short.</exception>
    public static Content Read(ReadOnlySpan<byte> file, string name)
    {
        if (file.Length < 4) throw new SpecException($"\"{name}\" is no IDX file: it has only {file.Length} bytes.");
        if (file[0] != 0 || file[1] != 0 || file[2] != 8 || file[3] is < 1 or > 4)
            throw new SpecException($"\"{name}\" is no IDX file of bytes: its magic number is {Convert.ToHexString(file[..4])}, not 000008 and the number of dimensions.");
        int rank = file[3], header = 4 + 4 * rank;
        if (file.Length < header) throw new SpecException($"\"{name}\" is cut short: its header needs {header} bytes, it has {file.Length}.");
        long count = BinaryPrimitives.ReadUInt32BigEndian(file[4..]), inputs = 1;
        for (int d = 1; d < rank; d++)
        {
            inputs *= BinaryPrimitives.ReadUInt32BigEndian(file[(4 + 4 * d)..]);
            if (inputs is < 1 or > 1 << 20) throw new SpecException($"\"{name}\" has examples of more than {1 << 20:#,0} values, or of none.");
        }
        long length = count * inputs;
        if (file.Length - header < length)
            throw new SpecException($"\"{name}\" is cut short: its header promises {count:#,0} examples of {inputs} bytes, the file holds {(file.Length - header) / inputs:#,0}.");
        if (file.Length - header > length)
            throw new SpecException($"\"{name}\" has {file.Length - header - length:#,0} bytes more than its header promises.");
        (int, int)? image = rank == 3 ? ((int)BinaryPrimitives.ReadUInt32BigEndian(file[8..]), (int)BinaryPrimitives.ReadUInt32BigEndian(file[12..])) : null;
        return new Content((int)count, (int)inputs, file[header..].ToArray(), image);
    }
}
