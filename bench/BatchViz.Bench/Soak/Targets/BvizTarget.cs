using System.Text;
using BatchViz.Recording.Export;
using BatchViz.Recording.Storage;

namespace BatchViz.Bench.Soak.Targets;

/// <summary>
/// Recordings in one file: names that lead elsewhere, plain, absolute, linked or encoded, files twice, cut, swapped, of other sizes; and
/// damaged ones.
/// </summary>
internal sealed class BvizTarget : FuzzTarget
{
    private readonly RecordingSample sample = new();
    private readonly byte[][] valid;
    private readonly string log;

    public BvizTarget()
    {
        log = $"runs/{sample.RunId}.log";
        valid = [.. new[] { 1, 20, 300 }.SelectMany(n => new[] { 0, 3 }.Select(keyframes => Pack(sample.Record(n, n > 1, keyframes))))];
    }

    public override byte[] Valid(FuzzRandom random) => [.. valid[random.Below(valid.Length)]];

    public override byte[] Structured(FuzzRandom random)
    {
        byte[] file = Valid(random);
        for (int changes = 1 + random.Below(2); changes > 0; changes--)
        {
            switch (random.Below(5))
            {
                case 0:
                    // In the file's header and in the list at the end, of the same length: only the name itself is wrong.
                    Replace(
                        file,
                        log,
                        random.Any(
                            "../../../../passwd",
                            "/etc/passwd",
                            "runs/../../b.log",
                            @"runs\..\..\b.log",
                            "runs/%2e%2e%2fb.log",
                            "%252e%252e/b.log",
                            "RUNS/B4-S1.LOG",
                            "lock",
                            "runs/b4-s1.log\0",
                            "runs//b4-s1.log",
                            "./runs/b4-s1.log",
                            "keys/../b4-s1.log",
                            "runs/b9-s9.log"
                        )
                    );
                    break;
                case 1:
                    // A field of some header.
                    int header = Find(
                        file,
                        random.Any("PK\u0001\u0002", "PK\u0003\u0004", "PK\u0005\u0006", "PK\u0006\u0006"),
                        random.Below(file.Length)
                    );
                    if (header >= 0)
                        file[Math.Min(file.Length - 1, header + 4 + random.Below(60))] = random.Any<byte>(0, 1, 8, 0x7F, 0x80, 0xFF);
                    break;
                case 2:
                    file = [.. file, .. valid[random.Below(valid.Length)]];
                    break;
                case 3:
                    file = file[..random.Below(file.Length + 1)];
                    break;
                default:
                    // A piece of another recording in place of its own.
                    byte[] other = valid[random.Below(valid.Length)];
                    int at = random.Below(Math.Min(file.Length, other.Length) + 1),
                        length = random.Below(Math.Min(file.Length, other.Length) - at + 1);
                    other.AsSpan(at, length).CopyTo(file.AsSpan(at));
                    break;
            }
        }
        return file;
    }

    public override void Read(byte[] input)
    {
        using var files = new Watched();
        Bviz.Read(new MemoryStream(input, writable: false), files);
    }

    private byte[] Pack(IFiles files)
    {
        using var to = new MemoryStream();
        Bviz.Write(files, sample.Manifest, to);
        return to.ToArray();
    }

    private static void Replace(byte[] file, string name, string by)
    {
        byte[] to = Encoding.Latin1.GetBytes(by.Length > name.Length ? by[..name.Length] : by.PadRight(name.Length, 'x'));
        for (int at = Find(file, name, 0); at >= 0; at = Find(file, name, at + 1))
            to.CopyTo(file.AsSpan(at));
    }

    private static int Find(byte[] file, string text, int from)
    {
        int at = from >= file.Length ? -1 : file.AsSpan(from).IndexOf(Encoding.Latin1.GetBytes(text));
        return at < 0 ? -1 : from + at;
    }

    /// <summary>Files in memory that take only names which a recording has.</summary>
    private sealed class Watched : IFiles
    {
        private readonly MemoryFiles inner = new();

        public string Place => inner.Place;

        public IWriteFile Create(string name) => inner.Create(Checked(name));

        public IWriteFile Append(string name) => inner.Append(Checked(name));

        public IReadFile? Read(string name) => inner.Read(Checked(name));

        public void Rename(string from, string to) => inner.Rename(Checked(from), Checked(to));

        public void Delete(string name) => inner.Delete(Checked(name));

        public void SyncFolder(string folder) => Checked(folder);

        public void CreateFolder(string folder) => Checked(folder);

        public IReadOnlyList<string> List(string folder) => inner.List(Checked(folder));

        public void Dispose() => inner.Dispose();

        private static string Checked(string name)
        {
            bool good =
                name.Split('/')
                    is ["" or "runs" or "keys"]
                        or ["keys", "b4-s1"]
                        or ["manifest.json" or "manifest.json.new" or "landscape.bin"]
                        or ["runs", "b4-s1.log" or "b4-s1.times"]
                || (
                    name.StartsWith("keys/b4-s1/", StringComparison.Ordinal)
                    && name.Length == "keys/b4-s1/".Length + 16
                    && name[11..23].All(char.IsAsciiDigit)
                    && name.EndsWith(".key", StringComparison.Ordinal)
                );
            return good ? name : throw new InvalidOperationException($"a file is written as {name}");
        }
    }
}
