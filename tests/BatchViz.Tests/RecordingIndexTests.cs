using BatchViz.Live;
using BatchViz.Recording;
using Microsoft.Data.Sqlite;

namespace BatchViz.Tests;

/// <summary>The index over a library's folders: it saves reading, and nothing else depends on it.</summary>
public sealed class RecordingIndexTests : IDisposable
{
    private readonly SomeRecordings recordings = new();

    private string IndexFile => Path.Combine(recordings.Root, RecordingIndex.FileName);

    [Fact]
    public async Task A_new_server_lists_from_the_index_what_another_has_read()
    {
        await recordings.Finished("moons");
        recordings.Interrupted("long");
        var read = recordings.Library.List();

        var indexed = new RecordingIndex(recordings.Root).Load();
        var listed = recordings.Library.List();

        Assert.Equal(["long", "moons"], indexed.Keys.Order());
        Assert.Equal(read.Select(Shown), listed.Select(Shown));
        Assert.All(listed, entry => Assert.NotNull(entry.Manifest));
    }

    [Fact]
    public async Task A_summary_counts_only_for_the_files_it_was_read_from()
    {
        await recordings.Finished("moons");
        var library = recordings.Library;
        library.List();
        library.Rename("moons", "Suns");

        Assert.Equal("Suns", Assert.Single(recordings.Library.List()).Name);
    }

    [Fact]
    public async Task What_is_gone_leaves_the_index()
    {
        await recordings.Finished("moons");
        await recordings.Finished("other");
        recordings.Library.List();
        Directory.Delete(recordings.Folder("other"), recursive: true);
        recordings.Library.List();

        Assert.Equal(["moons"], new RecordingIndex(recordings.Root).Load().Keys);
    }

    [Fact]
    public async Task A_recording_that_cannot_be_read_is_indexed_with_its_sentence()
    {
        await recordings.Finished("moons");
        File.WriteAllText(Path.Combine(recordings.Folder("moons"), RecordingManifest.FileName), "{}");
        string? problem = Assert.Single(recordings.Library.List()).Problem;

        Assert.NotNull(problem);
        Assert.Equal(problem, Assert.Single(recordings.Library.List()).Problem);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("cut")]
    [InlineData("other version")]
    [InlineData("other table")]
    [InlineData("rows of nonsense")]
    public async Task A_broken_index_is_written_anew_and_is_never_an_error(string how)
    {
        await recordings.Finished("moons");
        var before = recordings.Library.List().Select(Shown).ToArray();
        Break(how);

        Assert.Equal(before, recordings.Library.List().Select(Shown));
        recordings.Library.List();
        Assert.Equal(["moons"], new RecordingIndex(recordings.Root).Load().Keys);
    }

    [Fact]
    public async Task An_index_that_another_process_holds_is_done_without()
    {
        await recordings.Finished("moons");
        recordings.Library.List();
        await recordings.Finished("other");
        using var holder = Open();
        using var transaction = holder.BeginTransaction(deferred: false);

        Assert.Equal(2, recordings.Library.List().Count);
        Assert.True(File.Exists(IndexFile));
    }

    public void Dispose() => recordings.Dispose();

    private static string Shown(LibraryEntry entry) =>
        $"{entry.Key} {entry.Name} {entry.Title} {entry.Created:O} {entry.State} {entry.Updates} {entry.Bytes} {entry.Problem} {string.Join(',', entry.Runs)}";

    private void Break(string how)
    {
        switch (how)
        {
            case "nonsense":
                File.WriteAllBytes(IndexFile, [.. Enumerable.Range(0, 5000).Select(i => (byte)(i * 7))]);
                break;
            case "cut":
                File.WriteAllBytes(IndexFile, File.ReadAllBytes(IndexFile)[..^6000]);
                break;
            case "other version":
                Execute("pragma user_version = 99");
                break;
            case "other table":
                Execute("drop table recording; create table recording (key integer)");
                break;
            case "rows of nonsense":
                Execute("update recording set runs = x'00', manifest = x'7b7d'");
                break;
        }
    }

    private void Execute(string sql)
    {
        using var connection = Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection($"Data Source={IndexFile};Pooling=False");
        connection.Open();
        return connection;
    }
}
