using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;
using BatchViz.Core.Specs;
using BatchViz.Data;
using BatchViz.Engine.Cpu;
using BatchViz.Live;
using BatchViz.Recording;
using BatchViz.Recording.Storage;
using BatchViz.Training;

namespace BatchViz.Tests;

/// <summary>A folder with recordings as they come about, and as accidents leave them.</summary>
public sealed class SomeRecordings : IDisposable
{
    private const string Long = """
        { "name": "Long", "data": { "kind": "moons", "trainExamples": 200 }, "model": { "hidden": [8], "activation": "tanh" },
          "learningRate": 0.1, "batchSizes": [1, 50], "budget": { "updates": 5000000 } }
        """;

    private readonly CpuEngine engine = new();

    public string Root { get; } = Directory.CreateTempSubdirectory("batchviz-library-").FullName;

    public Library Library => new(Root);

    public string Folder(string key) => Path.Combine(Root, key);

    /// <summary>Trained to its end.</summary>
    public async Task Finished(string key, string json = SomeHost.Moons)
    {
        using var files = DiskFiles.ToWrite(Folder(key));
        using var experiment = Begin(files, json);
        await experiment.Ended.WaitAsync(TimeSpan.FromSeconds(60));
    }

    /// <summary>As it lies on the disk while it is trained: what a crash leaves.</summary>
    public void Interrupted(string key)
    {
        string while_ = Folder($".{key}");
        using (var files = DiskFiles.ToWrite(while_))
        using (var experiment = Begin(files, Long))
        {
            Assert.True(SpinWait.SpinUntil(() => experiment.Runs.All(run => run.Log.Count > 2000), TimeSpan.FromSeconds(60)));
            Assert.True(experiment.Recorder!.Flush(TimeSpan.FromSeconds(30)));
            Copy(while_, Folder(key));
        }
        Directory.Delete(while_, recursive: true);
    }

    public static void Copy(string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            if (Path.GetFileName(file) == DiskFiles.LockName || file.EndsWith(".new", StringComparison.Ordinal))
                continue;
            string target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            using var source = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var copy = File.Create(target);
            source.CopyTo(copy);
        }
    }

    public void Dispose()
    {
        engine.Dispose();
        Directory.Delete(Root, recursive: true);
    }

    private Experiment Begin(IFiles files, string json)
    {
        var experiment = new Experiment(
            new DataFiles(null).Plan(SpecReader.Read(Encoding.UTF8.GetBytes(json)), trusted: true),
            engine,
            new ExperimentOptions { Files = files }
        );
        experiment.Start();
        return experiment;
    }
}

public class LibraryTests
{
    [Fact]
    public async Task Finished_interrupted_damaged_and_locked_recordings_are_listed_side_by_side()
    {
        using var some = new SomeRecordings();
        await some.Finished("finished");
        SomeRecordings.Copy(some.Folder("finished"), some.Folder("torn"));
        using (var log = new FileStream(Path.Combine(some.Folder("torn"), "runs", "b1-s1.log"), FileMode.Open))
            log.SetLength(log.Length - 10);
        SomeRecordings.Copy(some.Folder("finished"), some.Folder("unreadable"));
        File.WriteAllText(Path.Combine(some.Folder("unreadable"), RecordingManifest.FileName), "{}");
        SomeRecordings.Copy(some.Folder("finished"), some.Folder("locked"));
        Directory.CreateDirectory(some.Folder("no recording"));
        some.Interrupted("interrupted");

        using var elsewhere = DiskFiles.ToWrite(some.Folder("locked"));
        var entries = some.Library.List().ToDictionary(entry => entry.Key);

        Assert.Equal(["finished", "interrupted", "locked", "torn", "unreadable"], entries.Keys.Order());
        Assert.Equal(
            (LibraryState.Finished, "Finished", "Moons", 8000 + 40 * 29 + 40),
            (entries["finished"].State, entries["finished"].Says, entries["finished"].Name, entries["finished"].Updates)
        );
        Assert.Equal(LibraryState.Interrupted, entries["interrupted"].State);
        Assert.Matches("^Interrupted after update [0-9,]+$", entries["interrupted"].Says);
        Assert.True(entries["interrupted"].Resumable);
        Assert.Equal((LibraryState.Elsewhere, "Being written elsewhere"), (entries["locked"].State, entries["locked"].Says));
        Assert.Equal(LibraryState.Interrupted, entries["torn"].State);
        Assert.StartsWith("runs/b1-s1.log: a block is cut short at byte ", Assert.Single(entries["torn"].Damages));
        Assert.Equal(
            (LibraryState.Unreadable, "The recording's manifest is damaged: it has 2 bytes."),
            (entries["unreadable"].State, entries["unreadable"].Problem)
        );
        Assert.All(
            entries.Values,
            entry =>
                Assert.Equal(
                    Directory
                        .EnumerateFiles(some.Folder(entry.Key), "*", SearchOption.AllDirectories)
                        .Sum(file => new FileInfo(file).Length),
                    entry.Bytes
                )
        );
    }

    [Fact]
    public async Task A_glance_at_a_log_says_what_reading_it_says()
    {
        using var some = new SomeRecordings();
        await some.Finished("finished");
        some.Interrupted("interrupted");

        foreach (string key in new[] { "finished", "interrupted" })
        {
            using var files = DiskFiles.ToRead(some.Folder(key));
            var manifest = RecordingManifest.Read(files);
            using var read = RecordingFolder.Open(files, manifest, new DataFiles(null).Plan(manifest, trusted: true));
            foreach (var (run, entry) in read.Runs.Zip(manifest.Runs))
            {
                var glance = RunSummary.Of(files, manifest.Id, entry);
                Assert.Equal(run.Log.Count, glance.Updates);
                Assert.Equal(run.Log.Ended ? run.Log.State : null, glance.State);
                Assert.Equal(run.Log.Result?.WeightsSha256, glance.Result?.WeightsSha256);
                Assert.Null(glance.Damage);
            }
        }
    }

    [Fact]
    public async Task What_is_deleted_comes_back_and_is_gone_for_good_after_a_day()
    {
        using var some = new SomeRecordings();
        await some.Finished("moons");
        var clock = new Clock();
        var library = new Library(some.Root, clock);

        string trashed = library.Delete("moons");
        Assert.Empty(library.List());
        Assert.Equal(1, library.InTrash().Count);
        Assert.Equal("moons", library.Undelete(trashed));
        Assert.Equal("moons", Assert.Single(library.List()).Key);
        Assert.Equal(
            "What was deleted is no longer in the trash.",
            Assert.Throws<RefusedException>(() => library.Undelete(trashed)).Message
        );

        library.Delete("moons");
        clock.Now += TimeSpan.FromHours(23);
        library.List();
        Assert.Equal(1, library.InTrash().Count);
        clock.Now += TimeSpan.FromHours(2);
        library.List();
        Assert.Equal(0, library.InTrash().Count);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(some.Root, Library.TrashName)));
    }

    [Fact]
    public async Task One_that_another_process_writes_is_neither_deleted_nor_renamed()
    {
        using var some = new SomeRecordings();
        await some.Finished("moons");
        using (DiskFiles.ToWrite(some.Folder("moons")))
        {
            Assert.Equal(
                "“Moons” is being written by another BatchViz; it can be deleted when that is done.",
                Assert.Throws<RefusedException>(() => some.Library.Delete("moons")).Message
            );
            Assert.Equal(
                "“Moons” is being written by another BatchViz; it can be renamed when that is done.",
                Assert.Throws<RefusedException>(() => some.Library.Rename("moons", "Suns")).Message
            );
        }
        some.Library.Rename("moons", "  Suns ");
        Assert.Equal("Suns", some.Library.Find("moons").Name);
    }

    [Theory]
    [InlineData("..")]
    [InlineData(".trash")]
    [InlineData("../moons")]
    [InlineData("a/b")]
    [InlineData("a\\b")]
    [InlineData("")]
    [InlineData("MOONS-OF-NO-FOLDER")]
    public async Task Keys_lead_nowhere_but_to_folders_that_are_there(string key)
    {
        using var some = new SomeRecordings();
        await some.Finished("moons");

        Assert.Equal("There is no such recording here.", Assert.Throws<RefusedException>(() => some.Library.Find(key)).Message);
        Assert.Throws<RefusedException>(() => some.Library.Delete(key));
        Assert.Throws<RefusedException>(() => some.Library.Undelete(key));
        Assert.Equal("moons", some.Library.Find(some.Library.Find("moons").Manifest!.Id.ToString()).Key);
    }

    [Theory]
    [InlineData("MNIST · MLP, 5 runs", "^mnist-mlp-5-runs-[0-9a-f]{8}$")]
    [InlineData("../../etc/passwd", "^etc-passwd-[0-9a-f]{8}$")]
    [InlineData("  ", "^recording-[0-9a-f]{8}$")]
    [InlineData("Größe", "^gr-e-[0-9a-f]{8}$")]
    public void Folders_are_named_safely_after_their_experiments(string name, string expected)
    {
        using var some = new SomeRecordings();
        var (key, files) = some.Library.New(name);
        files.Dispose();

        Assert.Matches(expected, key);
        Assert.True(Directory.Exists(some.Folder(key)));
        Assert.InRange(some.Library.New(new string('x', 200)).Key.Length, 1, 49);
    }

    [Theory]
    [InlineData("", "A recording's name has 1 to 100 characters.")]
    [InlineData("a\nb", "A recording's name is one line of text.")]
    [InlineData("a\uD800b", "A recording's name is one line of text.")]
    public void Names_that_are_none_are_refused(string name, string sentence) =>
        Assert.Equal(sentence, Assert.Throws<RefusedException>(() => Library.CheckName(name)).Message);

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }
}

/// <summary>The library through the controlling hub, as a page uses it.</summary>
public class LibraryHubTests : IAsyncLifetime
{
    private readonly SomeRecordings some = new();
    private Host host = null!;

    private sealed class Host(string recordings) : SomeHost(signIn: false, recordings);

    public async Task InitializeAsync()
    {
        host = new Host(some.Root);
        await host.InitializeAsync();
    }

    public async Task DisposeAsync()
    {
        await host.DisposeAsync();
        some.Dispose();
    }

    [Fact]
    public async Task What_is_begun_here_is_recorded_and_on_the_air()
    {
        await host.Experiments.Current!.Experiment.Ended;
        var entry = Assert.Single(await Recordings());
        Assert.Equal(("Moons", "onair"), ((string?)entry["name"], (string?)entry["state"]));

        var recording = (await Manifest())["recording"]!;
        Assert.Equal((string?)entry["id"], (string?)recording["id"]);
        Assert.True((bool)recording["kept"]!);
        Assert.Null(recording["problem"]);
        Assert.True((long)recording["bytes"]! > 1000);
        await using var hub = await Hub();
        Assert.Equal(
            "“Moons” is on the air; it can be deleted when another experiment is.",
            Sentence(await hub.Invoke("Delete", (string)entry["id"]!))
        );
        Assert.Null(await hub.Invoke("Rename", (string)entry["id"]!, "First"));
        Assert.Equal("First", (string?)Assert.Single(await Recordings())["name"]);
        await Until(async () => (string?)(await Manifest())["recording"]!["name"] == "First");
    }

    [Fact]
    public async Task A_finished_recording_is_put_on_the_air_as_it_ended_with_its_landscape()
    {
        await some.Finished("earlier", SomeHost.Moons.Replace("\"Moons\"", "\"Earlier\""));
        uint before = host.Experiments.Current!.Generation;
        await using var hub = await Hub();

        Assert.Equal("There is no such recording here.", Sentence(await hub.Invoke("Open", "../earlier")));
        Assert.Equal(before, host.Experiments.Current.Generation);
        Assert.Null(await hub.Invoke("Open", "earlier"));

        var manifest = await Manifest();
        Assert.Equal(before + 1, (uint)manifest["generation"]!);
        Assert.Equal(("Earlier", "finished"), ((string?)manifest["name"], (string?)manifest["state"]));
        Assert.Equal(8000, (long)manifest["runs"]![0]!["updates"]!);
        await Until(async () => (await Manifest())["plane"] is { } plane && (int)plane["resolution"]! > 0);
        Assert.Equal(
            "Every run of this experiment has ended; there is nothing to go on with.",
            Sentence(await hub.Invoke("Resume", "earlier"))
        );
    }

    [Fact]
    public async Task An_interrupted_recording_is_shown_so_and_goes_on_when_it_is_resumed()
    {
        some.Interrupted("torn");
        await using var hub = await Hub();

        Assert.Null(await hub.Invoke("Open", "torn"));
        var manifest = await Manifest();
        Assert.Equal("stopped", (string?)manifest["state"]);
        Assert.StartsWith("Interrupted after update ", (string?)manifest["runs"]![0]!["message"]);
        long made = (long)manifest["runs"]![0]!["updates"]!;

        Assert.Null(await hub.Invoke("Resume", "torn"));
        Assert.Equal("running", (string?)(await Manifest())["state"]);
        await Until(() => Task.FromResult(host.Experiments.Current!.Experiment.Runs[0].Log.Count > made + 1000));
        Assert.Equal("This experiment is being trained; there is nothing to resume.", Sentence(await hub.Invoke("Resume", "torn")));

        // Stopped by its owner, it goes on once more.
        Assert.Null(await hub.Invoke("Stop"));
        await host.Experiments.Current!.Experiment.Ended;
        made = host.Experiments.Current.Experiment.Runs[0].Log.Count;
        Assert.Null(await hub.Invoke("Resume", [null!]));
        await Until(() => Task.FromResult(host.Experiments.Current!.Experiment.Runs[0].Log.Count > made + 1000));
    }

    [Fact]
    public async Task One_that_another_process_writes_can_be_looked_at_only()
    {
        some.Interrupted("held");
        using var elsewhere = DiskFiles.ToWrite(some.Folder("held"));
        await using var hub = await Hub();

        Assert.Equal("“Long” is being written by another BatchViz, which trains it.", Sentence(await hub.Invoke("Resume", "held")));
        Assert.Equal("Moons", host.Experiments.Current!.Experiment.Plan.Spec.Name);
        Assert.Null(await hub.Invoke("Open", "held"));
        Assert.True((bool)(await Manifest())["recording"]!["readOnly"]!);
        Assert.Contains("can only be looked at", await hub.Invoke("Fork", "b1-s1", 100, new Dictionary<string, string>()));
    }

    [Fact]
    public async Task A_run_is_forked_beside_the_others_and_says_from_where()
    {
        await host.Experiments.Current!.Experiment.Ended;
        await using var hub = await Hub();

        Assert.Contains("\"batchSize\"", await hub.Invoke("Fork", "b7-s1", 100, new Dictionary<string, string> { ["batchSize"] = "0" }));
        Assert.Contains(
            "has made only",
            await hub.Invoke("Fork", "b7-s1", 1100 * 40, new Dictionary<string, string> { ["budget.updates"] = "90000" })
        );
        Assert.Null(await hub.Invoke("Fork", "b7-s1", 100, new Dictionary<string, string> { ["batchSize"] = "50" }));

        await host.Experiments.Current!.Experiment.Ended;
        await Until(async () => ((JsonArray)(await Manifest())["runs"]!).Count == 4);
        var fork = (await Manifest())["runs"]![3]!;
        Assert.Equal("b7-s1-u100", (string?)fork["id"]);
        Assert.Equal("""{"run":"b7-s1","update":100,"set":{"batchSize":"50"}}""", fork["fork"]!.ToJsonString());
        Assert.Null((await Manifest())["runs"]![0]!["fork"]);
    }

    [Fact]
    public async Task Deleting_and_undoing_leaves_everything_as_it_was()
    {
        await some.Finished("earlier");
        await host.Experiments.Current!.Experiment.Ended;

        string trashed = await host.Experiments.Delete("earlier");
        Assert.DoesNotContain(await Recordings(), entry => (string?)entry["id"] == "earlier");
        await using var hub = await Hub();
        Assert.Null(await hub.Invoke("Undelete", trashed));
        Assert.Contains(await Recordings(), entry => (string?)entry["id"] == "earlier" && (string?)entry["state"] == "finished");
    }

    [Fact]
    public async Task Where_nothing_can_be_recorded_the_experiment_begins_all_the_same_and_says_why()
    {
        string file = Path.Combine(some.Root, "file");
        await File.WriteAllTextAsync(file, "no folder");
        var other = new Host(Path.Combine(file, "recordings"));
        await other.InitializeAsync();
        try
        {
            await other.Experiments.Current!.Experiment.Ended;
            var recording = JsonNode.Parse(await other.Client.GetStringAsync("/api/experiments/current"))!["recording"]!;
            Assert.False((bool)recording["kept"]!);
            Assert.StartsWith("This experiment is not recorded, and is lost when another begins: ", (string?)recording["problem"]);
            Assert.Empty(JsonNode.Parse(await other.Client.GetStringAsync("/api/recordings"))!.AsArray());
        }
        finally
        {
            await other.DisposeAsync();
        }
    }

    private Task<HubClient> Hub() => HubClient.Connect(host.Client.BaseAddress!, "/hubs/control");

    private async Task<JsonNode> Manifest() => (await host.Client.GetFromJsonAsync<JsonNode>("/api/experiments/current"))!;

    private async Task<JsonNode[]> Recordings() =>
        [.. (await host.Client.GetFromJsonAsync<JsonArray>("/api/recordings"))!.Select(entry => entry!)];

    /// <summary>A refusal without what the hub writes before it.</summary>
    private static string? Sentence(string? error) =>
        error?[(error.IndexOf("HubException: ", StringComparison.Ordinal) + "HubException: ".Length)..];

    private static async Task Until(Func<Task<bool>> wanted)
    {
        var patience = DateTime.UtcNow.AddSeconds(60);
        while (!await wanted())
        {
            Assert.True(DateTime.UtcNow < patience, "not seen within a minute");
            await Task.Delay(50);
        }
    }
}
