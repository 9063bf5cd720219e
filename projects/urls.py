from django.urls import path

from projects.views import admin_mode, listing, members, project, settings

app_name = "projects"
urlpatterns = [
    path("projects/", listing.project_list, name="list"),
    path("projects/new/", listing.create, name="create"),
    path("projects/<int:pk>/", project.card, name="card"),
    path("projects/<int:pk>/history/", project.history, name="history"),
    path("projects/<int:pk>/members/", members.member_list, name="members"),
    path("projects/<int:pk>/members/find/", members.find, name="find"),
    path("projects/<int:pk>/members/add/", members.add, name="add-member"),
    path("projects/<int:pk>/members/<int:member>/role/", members.change_role, name="member-role"),
    path("projects/<int:pk>/members/<int:member>/remove/", members.remove, name="remove-member"),
    path("projects/<int:pk>/leave/", members.leave, name="leave"),
    path("projects/<int:pk>/settings/", settings.settings, name="settings"),
    path("projects/<int:pk>/transfer/", settings.transfer, name="transfer"),
    path("projects/<int:pk>/archive/", settings.archive, name="archive"),
    path("projects/<int:pk>/restore/", settings.restore, name="restore"),
    path("projects/<int:pk>/delete/", settings.delete, name="delete"),
    path("admin-mode/", admin_mode.start, name="admin-mode"),
    path("admin-mode/stop/", admin_mode.stop, name="admin-mode-stop"),
    path("admin-mode/<int:pk>/", admin_mode.summary, name="admin-mode-summary"),
]
