using BatchViz.Core.Specs;
using BatchViz.Recording.Storage;

namespace BatchViz.Recording.Tests.Storage;

/// <summary>Files of a whole recording, cut and flipped: the intact part of them is read, and what is lost is said.</summary>
public sealed class DamageTests
{
    private readonly MadeUp experiment = MadeUp.Buckets(600);
    private readonly Dictionary<string, byte[]> whole = [];

    public DamageTests()
    {
        using var files = new MemoryFiles();
        using (var recorder = experiment.Begin(files, out var runs))
        {
            for (int r = 0; r < runs.Count; r++)
                experiment.Train(recorder, experiment.Plan, experiment.Plan.Runs[r], runs[r], long.MaxValue);
            recorder.SaveLandscape([1, 2, 3]);
            Assert.True(recorder.Flush(Timeouts.Hang));
        }
        foreach (string folder in new[] { "", "runs" }.Concat(experiment.Plan.Runs.Select(run => Keyframes.FolderOf(run.Id))))
        foreach (string name in files.List(folder))
        {
            string path = folder.Length == 0 ? name : $"{folder}/{name}";
            whole[path] = files.ReadAll(path, long.MaxValue)!;
        }
    }

    private string Log => RunFile.NameOf(experiment.Plan.Runs[0].Id);

    private string Times => Log.Replace(".log", ".times");

    private string Keyframe =>
        whole.Keys.First(name => name.EndsWith(".key", StringComparison.Ordinal) && name.Contains(experiment.Plan.Runs[0].Id));

    [Fact]
    public void A_log_cut_at_every_byte_is_read_up_to_its_last_whole_block()
    {
        long[] ends = BlockEnds(whole[Log]);
        long records = -1;
        for (int length = whole[Log].Length; length >= 0; length--)
        {
            long intact = ends.Last(end => end <= length);
            using var files = With(Log, whole[Log][..length]);
            var (folder, plan) = experiment.Open(files);
            using (folder)
            {
                experiment.Check(folder, plan, new Dictionary<string, long> { [plan.Runs[1].Id] = 600 });
                // The more is cut, the less there is.
                Assert.True(records < 0 || folder.Runs[0].Log.Count <= records);
                records = folder.Runs[0].Log.Count;
                if (length == whole[Log].Length)
                    Assert.Empty(folder.Damages);
                else if (length > intact || length == 0)
                {
                    var damage = Assert.Single(folder.Damages);
                    Assert.Equal((Log, intact, length - intact), (damage.File, damage.IntactBytes, damage.LostBytes));
                    Assert.NotEmpty(damage.Why);
                }
            }
            if (length % 41 == 0)
                experiment.GoOnToTheEnd(files);
        }
        Assert.Equal(0, records);
    }

    [Fact]
    public void A_log_with_any_bit_flipped_is_read_up_to_the_block_that_has_it()
    {
        long[] ends = BlockEnds(whole[Log]);
        EveryBit(
            Log,
            step: 1,
            (files, bit) =>
            {
                long intact = ends.Last(end => end <= bit / 8);
                var (folder, plan) = experiment.Open(files);
                using (folder)
                {
                    experiment.Check(folder, plan, new Dictionary<string, long> { [plan.Runs[1].Id] = 600 });
                    var damage = Assert.Single(folder.Damages);
                    Assert.Equal((Log, intact, whole[Log].Length - intact), (damage.File, damage.IntactBytes, damage.LostBytes));
                }
                if (bit % 977 == 0)
                    experiment.GoOnToTheEnd(files);
            }
        );
    }

    [Fact]
    public void Timings_with_any_bit_flipped_lose_no_record()
    {
        EveryBit(
            Times,
            step: 1,
            (files, _) =>
            {
                var (folder, plan) = experiment.Open(files);
                using (folder)
                {
                    experiment.Check(folder, plan, plan.Runs.ToDictionary(run => run.Id, _ => 600L));
                    Assert.Equal(Times, Assert.Single(folder.Damages).File);
                }
            }
        );
        for (int length = 0; length < whole[Times].Length; length++)
        {
            using var files = With(Times, whole[Times][..length]);
            var (folder, plan) = experiment.Open(files);
            using (folder)
                experiment.Check(folder, plan, plan.Runs.ToDictionary(run => run.Id, _ => 600L));
        }
    }

    [Fact]
    public void A_keyframe_cut_anywhere_or_with_any_bit_flipped_is_none_and_the_one_before_it_serves()
    {
        void None(IFiles files)
        {
            var (folder, plan) = experiment.Open(files);
            using (folder)
            {
                experiment.Check(folder, plan, plan.Runs.ToDictionary(run => run.Id, _ => 600L));
                var damages = new List<Damage>();
                long at = folder.Runs[0].Keyframes.Updates[0];
                Assert.Null(folder.Runs[0].Keyframes.Read(at, damages));
                Assert.Equal(Keyframe, Assert.Single(damages).File);
                Assert.NotNull(folder.Runs[0].Keyframes.Before(600));
                Assert.Null(folder.Runs[0].Keyframes.Before(at));
            }
        }
        EveryBit(Keyframe, step: 1, (files, _) => None(files));
        for (int length = 0; length < whole[Keyframe].Length; length++)
        {
            using var files = With(Keyframe, whole[Keyframe][..length]);
            None(files);
        }
    }

    [Fact]
    public void A_manifest_cut_anywhere_or_with_any_bit_flipped_is_refused_in_one_sentence()
    {
        EveryBit(
            RecordingManifest.FileName,
            step: 1,
            (files, _) =>
                Assert.Contains("manifest is damaged", Assert.Throws<RefusedException>(() => RecordingManifest.Read(files)).Message)
        );
        byte[] manifest = whole[RecordingManifest.FileName];
        for (int length = 0; length < manifest.Length; length++)
        {
            using var files = With(RecordingManifest.FileName, manifest[..length]);
            Assert.Contains("manifest is damaged", Assert.Throws<RefusedException>(() => RecordingManifest.Read(files)).Message);
        }
    }

    [Fact]
    public void A_log_that_is_gone_or_empty_is_begun_anew()
    {
        foreach (byte[]? other in new byte[]?[] { null, [] })
        {
            using var files = With(Log, other);
            var (folder, plan) = experiment.Open(files);
            using (folder)
            {
                experiment.Check(folder, plan, new Dictionary<string, long> { [plan.Runs[1].Id] = 600 });
                Assert.Equal((0, Log), (folder.Runs[0].Log.Count, Assert.Single(folder.Damages).File));
            }
            experiment.GoOnToTheEnd(files);
        }
    }

    [Fact]
    public void What_is_wrong_with_a_file_is_a_sentence()
    {
        foreach (
            var (content, says) in new (byte[]?, string)[]
            {
                (null, $"{Log} is missing"),
                ([], $"{Log}: it is empty"),
                ([1, 2, 3], $"{Log}: the header of a block is cut short at byte 0; the 3 bytes from there on are lost"),
            }
        )
        {
            using var files = With(Log, content);
            var (folder, _) = experiment.Open(files);
            using (folder)
                Assert.Equal(says, $"{Assert.Single(folder.Damages)}");
            Assert.Equal(says, $"{RunSummary.Of(files, experiment.Manifest.Id, experiment.Manifest.Runs[0]).Damage}");
        }
    }

    /// <summary>The recording, with one of its files as it is given.</summary>
    private MemoryFiles With(string name, byte[]? bytes)
    {
        var files = new MemoryFiles();
        foreach (var (other, content) in whole)
        {
            if (other == name && bytes is null)
                continue;
            using var file = files.Create(other);
            file.Write(other == name ? bytes : content);
        }
        return files;
    }

    private void EveryBit(string name, int step, Action<IFiles, int> look)
    {
        for (int bit = 0; bit < 8 * whole[name].Length; bit += step)
        {
            byte[] flipped = [.. whole[name]];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            using var files = With(name, flipped);
            look(files, bit);
        }
    }

    private static long[] BlockEnds(byte[] log)
    {
        using var files = new MemoryFiles();
        using (var file = files.Create("log"))
            file.Write(log);
        using var read = files.Read("log")!;
        var scanner = new BlockScanner(read);
        List<long> ends = [0];
        while (scanner.Next())
            ends.Add(scanner.End);
        Assert.Null(scanner.Why);
        return [.. ends];
    }
}
