using BatchViz.Core.Specs;
using static BatchViz.Core.Language;

namespace BatchViz.Core.Data;

/// <summary>Makes data sets from bytes. Opening files is the caller's: <paramref name="name"/> → whole content.</summary>
public delegate byte[] FileOpener(string name);

public static class DataSource
{
    /// <summary>Where a set that comes with the program has its files; null: it does not, or has none.</summary>
    public static string? PackedFolder(DataKind kind) =>
        kind switch
        {
            DataKind.Mnist => "mnist",
            DataKind.FashionMnist => "fashion-mnist",
            _ => null,
        };

    /// <summary>The files' names of MNIST and Fashion-MNIST, as their authors gave them.</summary>
    public static readonly IReadOnlyList<string> MnistFiles =
    [
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    ];

    /// <summary>Makes or reads the data of a spec.</summary>
    /// <param name="open">Reads a named file: of <see cref="PackedFolder"/> where there is one, else of the spec's folder.</param>
    /// <exception cref="RefusedException">The data is not what it should be; one sentence.</exception>
    public static DataSet Load(DataSpec spec, FileOpener open) =>
        spec.Kind switch
        {
            DataKind.Mnist => Images("MNIST", spec, open, MnistFiles[0], MnistFiles[1], MnistFiles[2], MnistFiles[3]),
            DataKind.FashionMnist => Images("Fashion-MNIST", spec, open, MnistFiles[0], MnistFiles[1], MnistFiles[2], MnistFiles[3]),
            DataKind.Cifar10 => Cifar10.Load(spec, open),
            DataKind.Pairs => Pairs.Make(Load(spec with { Kind = spec.From, Base = null }, open), spec),
            DataKind.Idx => Images(spec.TrainImages!, spec, open, spec.TrainImages!, spec.TrainLabels!, spec.TestImages, spec.TestLabels),
            DataKind.Csv => CsvTable.Load(spec, open(spec.File!)),
            _ => Generators.Make(spec),
        };

    private static DataSet Images(
        string name,
        DataSpec spec,
        FileOpener open,
        string trainImages,
        string trainLabels,
        string? testImages,
        string? testLabels
    )
    {
        var (train, trainClasses, image) = Pair(open, trainImages, trainLabels, spec.TrainExamples, "trainExamples");
        var (test, testClasses, _) = testImages is null
            ? (null, 0, null)
            : Pair(open, testImages, testLabels!, spec.TestExamples, "testExamples");
        if (test is not null && test.Inputs != train.Inputs)
            throw new RefusedException(
                Tr(
                    $"\"{testImages}\" has {test.Inputs} values an example, but \"{trainImages}\" has {train.Inputs}.",
                    $"\"{testImages}\" 每个样本有 {test.Inputs} 个值，而 \"{trainImages}\" 有 {train.Inputs} 个。"
                )
            );
        int classes = Math.Max(2, Math.Max(trainClasses, testClasses));
        return new DataSet(name, DataTask.Classification, train.Inputs, classes, train, test) { Image = image };
    }

    /// <summary>The first examples of a pair of files, how many classes the whole of it has, and the shape of its images.</summary>
    private static (DataSplit Split, int Classes, (int Rows, int Columns)? Image) Pair(
        FileOpener open,
        string images,
        string labels,
        int? limit,
        string key
    )
    {
        var features = Idx.Read(open(images), images);
        var classes = Idx.Read(open(labels), labels);
        if (classes.Inputs != 1)
            throw new RefusedException(
                Tr(
                    $"\"{labels}\" is no list of labels: it has {classes.Inputs} values an example.",
                    $"\"{labels}\" 不是标签列表：每个样本有 {classes.Inputs} 个值。"
                )
            );
        if (features.Count != classes.Count)
            throw new RefusedException(
                Tr(
                    $"\"{images}\" has {features.Count} examples, but \"{labels}\" has {classes.Count}.",
                    $"\"{images}\" 有 {features.Count} 个样本，而 \"{labels}\" 有 {classes.Count} 个。"
                )
            );
        if (features.Count == 0)
            throw new RefusedException(Tr($"\"{images}\" has no examples.", $"\"{images}\" 没有样本。"));
        int count = limit ?? features.Count;
        if (count > features.Count)
            throw new RefusedException(
                Tr(
                    $"\"data.{key}\" is {count}, but \"{images}\" has only {features.Count} examples.",
                    $"\"data.{key}\" 为 {count}，但 \"{images}\" 只有 {features.Count} 个样本。"
                )
            );
        var indices = new int[count];
        for (int i = 0; i < count; i++)
            indices[i] = classes.Bytes[i];
        return (
            new DataSplit
            {
                Count = count,
                Inputs = features.Inputs,
                Bytes = count == features.Count ? features.Bytes : features.Bytes[..(count * features.Inputs)],
                Scale = 1f / 255,
                Labels = indices,
            },
            classes.Bytes.Max() + 1,
            features.Image
        );
    }
}
