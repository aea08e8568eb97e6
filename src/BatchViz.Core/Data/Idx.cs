using System.Buffers.Binary;
using BatchViz.Core.Specs;
using static BatchViz.Core.Language;

namespace BatchViz.Core.Data;

/// <summary>
/// IDX, MNIST's own format: 0 0 type rank, then rank big-endian 32-bit sizes, then the values. Only unsigned bytes (type 8) are used.
/// </summary>
public static class Idx
{
    /// <summary>Unsigned bytes [Count × Inputs], and of images how many rows and columns each has.</summary>
    public readonly record struct Content(int Count, int Inputs, byte[] Bytes, (int Rows, int Columns)? Image);

    /// <exception cref="RefusedException">The magic number is wrong or the file is cut short.</exception>
    public static Content Read(ReadOnlySpan<byte> file, string name)
    {
        if (file.Length < 4)
            throw new RefusedException(
                Tr($"\"{name}\" is no IDX file: it has only {file.Length} bytes.", $"\"{name}\" 不是 IDX 文件：只有 {file.Length} 字节。")
            );
        if (file[0] != 0 || file[1] != 0 || file[2] != 8 || file[3] is < 1 or > 4)
            throw new RefusedException(
                Tr(
                    $"\"{name}\" is no IDX file of bytes: its magic number is {Convert.ToHexString(file[..4])}, not 000008 and the number of dimensions.",
                    $"\"{name}\" 不是字节型 IDX 文件：魔数为 {Convert.ToHexString(file[..4])}，应为 000008 加维数。"
                )
            );
        int rank = file[3],
            header = 4 + 4 * rank;
        if (file.Length < header)
            throw new RefusedException(
                Tr(
                    $"\"{name}\" is cut short: its header needs {header} bytes, it has {file.Length}.",
                    $"\"{name}\" 不完整：头部需要 {header} 字节，文件只有 {file.Length} 字节。"
                )
            );
        long count = BinaryPrimitives.ReadUInt32BigEndian(file[4..]),
            inputs = 1;
        for (int d = 1; d < rank; d++)
        {
            inputs *= BinaryPrimitives.ReadUInt32BigEndian(file[(4 + 4 * d)..]);
            if (inputs is < 1 or > 1 << 20)
                throw new RefusedException(
                    Tr(
                        $"\"{name}\" has examples of more than {1 << 20:#,0} values, or of none.",
                        $"\"{name}\" 的样本超过 {1 << 20:#,0} 个值，或没有值。"
                    )
                );
        }
        long length = count * inputs;
        if (file.Length - header < length)
            throw new RefusedException(
                Tr(
                    $"\"{name}\" is cut short: its header promises {count:#,0} examples of {inputs} bytes, the file holds {(file.Length - header) / inputs:#,0}.",
                    $"\"{name}\" 不完整：头部声明有 {count:#,0} 个 {inputs} 字节的样本，文件中只有 {(file.Length - header) / inputs:#,0} 个。"
                )
            );
        if (file.Length - header > length)
            throw new RefusedException(
                Tr(
                    $"\"{name}\" has {file.Length - header - length:#,0} bytes more than its header promises.",
                    $"\"{name}\" 比头部声明的多 {file.Length - header - length:#,0} 字节。"
                )
            );
        (int, int)? image =
            rank == 3
                ? ((int)BinaryPrimitives.ReadUInt32BigEndian(file[8..]), (int)BinaryPrimitives.ReadUInt32BigEndian(file[12..]))
                : null;
        return new Content((int)count, (int)inputs, file[header..].ToArray(), image);
    }
}
