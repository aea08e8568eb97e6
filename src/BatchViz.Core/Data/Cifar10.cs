using BatchViz.Core.Specs;
using static BatchViz.Core.Language;

namespace BatchViz.Core.Data;

/// <summary>
/// CIFAR-10's binary version (Krizhevsky 2009): six files of 10,000 records, each a label and 3 × 32 × 32 bytes, the red plane, the
/// green and the blue, row by row. The planes stay as they are: an example is [3, 32, 32].
/// </summary>
public static class Cifar10
{
    public const int Rows = 32,
        Columns = 32,
        Channels = 3,
        Inputs = Channels * Rows * Columns,
        Record = 1 + Inputs,
        PerFile = 10_000;

    private const int Classes = 10;

    public static readonly IReadOnlyList<string> TrainFiles =
    [
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ];

    public const string TestFile = "test_batch.bin";

    /// <summary>The archive in which its authors give it away, and the folder that is in it.</summary>
    public const string Archive = "cifar-10-binary.tar.gz",
        Folder = "cifar-10-batches-bin";

    /// <summary>Reads no more files than the wanted examples are in.</summary>
    /// <exception cref="RefusedException">A file is not what it should be, or there are fewer examples than wanted.</exception>
    public static DataSet Load(DataSpec spec, FileOpener open) =>
        new(
            "CIFAR-10",
            DataTask.Classification,
            Inputs,
            Classes,
            Read(TrainFiles, spec.TrainExamples, "trainExamples", open),
            Read([TestFile], spec.TestExamples, "testExamples", open)
        )
        {
            Image = (Rows, Columns),
            Channels = Channels,
        };

    private static DataSplit Read(IReadOnlyList<string> files, int? limit, string key, FileOpener open)
    {
        int count = limit ?? files.Count * PerFile;
        if (count > files.Count * PerFile)
            throw new RefusedException(
                Tr(
                    $"\"data.{key}\" is {count}, but CIFAR-10 has only {files.Count * PerFile:#,0} of these examples.",
                    $"\"data.{key}\" 是 {count}，但 CIFAR-10 只有 {files.Count * PerFile:#,0} 个此类样本。"
                )
            );
        var bytes = new byte[(long)count * Inputs];
        var labels = new int[count];
        for (int f = 0; f * PerFile < count; f++)
        {
            byte[] file = open(files[f]);
            if (file.Length != Record * PerFile)
                throw new RefusedException(
                    Tr(
                        $"\"{files[f]}\" is no batch of CIFAR-10's binary version: it has {file.Length:#,0} bytes, not {PerFile:#,0} records of {Record:#,0}.",
                        $"\"{files[f]}\" 不是 CIFAR-10 二进制版的批文件：它有 {file.Length:#,0} 字节，而不是 {PerFile:#,0} 条 {Record:#,0} 字节的记录。"
                    )
                );
            for (int r = 0; r < PerFile; r++)
            {
                int label = file[r * Record],
                    example = f * PerFile + r;
                if (label >= Classes)
                    throw new RefusedException(
                        Tr(
                            $"\"{files[f]}\" is no batch of CIFAR-10's binary version: record {r + 1:#,0} has the label {label}, and there are {Classes} classes.",
                            $"\"{files[f]}\" 不是 CIFAR-10 二进制版的批文件：第 {r + 1:#,0} 条记录的标签是 {label}，而只有 {Classes} 个类别。"
                        )
                    );
                if (example >= count)
                    continue;
                labels[example] = label;
                file.AsSpan(r * Record + 1, Inputs).CopyTo(bytes.AsSpan(example * Inputs));
            }
        }
        return new DataSplit
        {
            Count = count,
            Inputs = Inputs,
            Bytes = bytes,
            Scale = 1f / 255,
            Labels = labels,
        };
    }
}
